"""The addresses of the project: lower-case nouns, references and dates, nothing personal (ux.md 3)."""

from django.urls import include, path

from iom.views import account, home, outbox, settings, signing_in, system

handler400 = "iom.views.errors.bad_request"
handler403 = "iom.views.errors.forbidden"
handler404 = "iom.views.errors.not_found"
handler500 = "iom.views.errors.broken"

urlpatterns = [
    path("", home.home, name="home"),
    path("notifications/", home.notifications, name="notifications"),
    path("sign-in/", signing_in.sign_in, name="sign_in"),
    path("sign-out/", signing_in.sign_out, name="sign_out"),
    path("sign-in/invited/<str:secret>/", signing_in.invited, name="invited"),
    path("scheme/", signing_in.choose_membership, name="choose_membership"),
    path("session/", account.session_state, name="session_state"),
    path("carry-on/<uuid:number>/", account.carry_on, name="carry_on"),
    path("carry-on/<uuid:number>/delete/", account.throw_away, name="throw_away"),
    path("account/", account.account, name="account"),
    path("account/sessions/", account.own_sessions, name="own_sessions"),
    path("account/code/", account.fresh_code, name="fresh_code"),
    path("settings/users/", settings.users, name="users"),
    path("settings/outbox/", outbox.outbox, name="outbox"),
    path("healthz", system.healthz, name="healthz"),
    path("readyz", system.readyz, name="readyz"),
    path("", include("offenders.urls")),
    path("", include("referrals.urls")),
    path("", include("actionplans.urls")),
    path("", include("panels.urls")),
]
