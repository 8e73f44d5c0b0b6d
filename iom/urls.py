"""The addresses of the project: lower-case nouns, references and dates, nothing personal (ux.md 3)."""

from django.urls import include, path

from iom.views import (
    account,
    audit,
    codes,
    exports,
    factors,
    home,
    outbox,
    passwords,
    rights,
    security,
    settings,
    signing_in,
    system,
)

handler400 = "iom.views.errors.bad_request"
handler403 = "iom.views.errors.forbidden"
handler404 = "iom.views.errors.not_found"
handler500 = "iom.views.errors.broken"

urlpatterns = [
    path("", home.home, name="home"),
    path("exports/<uuid:key>/", exports.export, name="export"),
    path("exports/<uuid:key>/file/", exports.export_file, name="export_file"),
    path("notifications/", home.notifications, name="notifications"),
    path("sign-in/", signing_in.sign_in, name="sign_in"),
    path("sign-out/", signing_in.sign_out, name="sign_out"),
    path("sign-in/invited/<str:secret>/", signing_in.invited, name="invited"),
    path("sign-in/code/", codes.code, name="code"),
    path("sign-in/code/passkey/", codes.passkey, name="passkey"),
    path("sign-in/code/passkey/question/", codes.passkey_question, name="passkey_question"),
    path("sign-in/recovery-code/", codes.recovery_code, name="recovery_code"),
    path("sign-in/lost-phone/", codes.lost_phone, name="lost_phone"),
    path("sign-in/set-up-code/", codes.set_up_code, name="set_up_code"),
    path("sign-in/set-up-code/square.svg", codes.set_up_square, name="set_up_square"),
    path("sign-in/recovery-codes/", codes.recovery_codes, name="recovery_codes"),
    path("sign-in/reset/", passwords.reset_ask, name="reset_ask"),
    path("sign-in/reset/asked/", passwords.reset_asked, name="reset_asked"),
    path("sign-in/reset/<str:secret>/", passwords.reset, name="reset"),
    path("account/password/", passwords.change_password, name="change_password"),
    path("account/security/", security.security, name="account_security"),
    path("account/security/app/", security.new_app, name="new_app"),
    path("account/security/recovery-codes/", security.new_recovery_codes, name="new_recovery_codes"),
    path("account/security/passkeys/", security.add_passkey, name="add_passkey"),
    path("account/security/passkeys/question/", security.passkey_options, name="passkey_options"),
    path("account/security/passkeys/<int:number>/remove/", security.remove_passkey, name="remove_passkey"),
    path("account/security/devices/", security.forget_devices, name="forget_devices"),
    path("scheme/", signing_in.choose_membership, name="choose_membership"),
    path("session/", account.session_state, name="session_state"),
    path("carry-on/<uuid:number>/", account.carry_on, name="carry_on"),
    path("carry-on/<uuid:number>/delete/", account.throw_away, name="throw_away"),
    path("account/", account.account, name="account"),
    path("account/keys/", account.choose_keys, name="choose_keys"),
    path("account/sessions/", account.own_sessions, name="own_sessions"),
    path("account/code/", account.fresh_code, name="fresh_code"),
    path("settings/users/", settings.users, name="users"),
    path("settings/users/<int:number>/sign-out/", settings.end_member_sessions, name="end_member_sessions"),
    path("settings/rights/", rights.change, name="rights"),
    path("settings/rights/<int:pk>/", rights.decide, name="decide_rights"),
    path("settings/users/<int:number>/security-code/", factors.reset_factor, name="reset_factor"),
    path("settings/outbox/", outbox.outbox, name="outbox"),
    path("audit/", audit.audit, name="audit"),
    path("healthz", system.healthz, name="healthz"),
    path("readyz", system.readyz, name="readyz"),
    path("", include("offenders.urls")),
    path("", include("referrals.urls")),
    path("", include("actionplans.urls")),
    path("", include("panels.urls")),
]
