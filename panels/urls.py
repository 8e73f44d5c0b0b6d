"""Meetings, at `/meetings/DATE/` for the scheme's first body and `/meetings/DATE-BODY/` for any other."""

from django.urls import path

from .views import agenda, agreement, attendance, circulation, live, meetings, minutes, notices

urlpatterns: list = [
    path("agreement/", agreement.between_meetings, name="agreement"),
    # Before the meeting
    path("meetings/", meetings.list_meetings, name="meetings"),
    path("meetings/new/", meetings.new_meeting, name="new_meeting"),
    path("meetings/<str:key>/", meetings.meeting_page, name="meeting"),
    path("meetings/<str:key>/edit/", meetings.edit_meeting, name="edit_meeting"),
    path("meetings/<str:key>/cancel/", meetings.cancel_meeting, name="cancel_meeting"),
    path("meetings/<str:key>/read/", meetings.read_agenda, name="read_agenda"),
    path("meetings/<str:key>/answer/", meetings.answer_agenda, name="answer_agenda"),
    path("meetings/<str:key>/check-in/", meetings.check_in, name="check_in"),
    path("meetings/<str:key>/agenda/", agenda.build_agenda, name="agenda"),
    path("meetings/<str:key>/agenda/add/", agenda.add_to_agenda, name="add_to_agenda"),
    path("meetings/<str:key>/agenda/undo/", agenda.undo_removal, name="undo_removal"),
    path("meetings/<str:key>/agenda/send/", agenda.send_agenda, name="send_agenda"),
    path("meetings/<str:key>/agenda/items/<int:pk>/move/", agenda.move_item, name="move_item"),
    path("meetings/<str:key>/agenda/items/<int:pk>/remove/", agenda.remove_item, name="remove_item"),
    path("meetings/<str:key>/agenda/items/<int:pk>/park/", agenda.park_item, name="park_item"),
    path("meetings/<str:key>/agenda/items/<int:pk>/back/", agenda.bring_item_back, name="bring_item_back"),
    path("meetings/<str:key>/agenda/items/<int:pk>/minutes/", agenda.plan_minutes, name="plan_minutes"),
    path("meetings/<str:key>/agenda/items/<int:pk>/ask/", agenda.ask_chair, name="ask_chair"),
    path("meetings/<str:key>/agenda/items/<int:pk>/agree/", agenda.agree_late, name="agree_late"),
    path("meetings/<str:key>/circulation/", circulation.circulation_page, name="circulation"),
    path("meetings/<str:key>/attendance/", attendance.attendance_page, name="attendance"),
    path("meetings/<str:key>/attendance/visitors/", attendance.add_visitor, name="add_visitor"),
    path("meetings/<str:key>/attendance/visitors/<int:pk>/remove/", attendance.remove_visitor, name="remove_visitor"),
    path("meetings/<str:key>/sign-agreement/", agreement.sign_agreement, name="sign_agreement"),
    # At and after the meeting
    path("meetings/<str:key>/live/", live.live_meeting, name="live"),
    path("meetings/<str:key>/live/start/", live.start_meeting, name="start_meeting"),
    path("meetings/<str:key>/live/take-over/", live.take_over, name="take_over"),
    path("meetings/<str:key>/live/hand-over/", live.hand_over, name="hand_over"),
    path("meetings/<str:key>/live/force-hand-over/", live.force_hand_over, name="force_hand_over"),
    path("meetings/<str:key>/live/here/", live.heartbeat, name="heartbeat"),
    path("meetings/<str:key>/live/draft/", live.keep_draft, name="live_draft"),
    path("meetings/<str:key>/close/", live.close_meeting, name="close_meeting"),
    path("meetings/<str:key>/minutes/", minutes.draft_minutes, name="minutes"),
    path("meetings/<str:key>/minutes/send/", minutes.send_minutes, name="send_minutes"),
    path("meetings/<str:key>/minutes/review/", minutes.review_minutes, name="review_minutes"),
    path("meetings/<str:key>/minutes/review/comments/", minutes.comment_on_minutes, name="comment_on_minutes"),
    path("meetings/<str:key>/minutes/v<int:number>/", minutes.signed_minutes, name="signed_minutes"),
    path("meetings/<str:key>/minutes/v<int:number>/minutes.pdf", minutes.minutes_pdf, name="minutes_pdf"),
    path("meetings/<str:key>/notices/", notices.meeting_notices, name="notices"),
    path("minutes/check/", minutes.check_minutes, name="check_minutes"),
    path("referrals/<str:reference>/decision/", notices.read_decision, name="referral_decision"),
]
