"""Who may do what: one row for every address of the portal, by its URL name.

The rows are enforced by ``portal.web.middleware.PolicyMiddleware``, before any view runs: an address without a row
is refused to everybody. Which objects of a kind are somebody's is said by ``visible_to`` of its model.
``tests/house/test_sweep.py`` walks every address with every role, with one's own, other people's, missing and
malformed ids.
"""

from portal.accounts.models import ACTORS as _ACTORS
from portal.accounts.models import Role
from portal.web.access import GET_POST, POST, Policy

ACTORS = frozenset(map(str, _ACTORS))
REVIEWERS = frozenset({str(Role.MANAGER), str(Role.AUDITOR)})
MANAGERS = frozenset({str(Role.MANAGER)})
FAMILY_ADMINS = frozenset({str(Role.FAMILY_ADMIN)})

POLICIES = {
    "healthz": Policy(is_open=True),
    # Signing in and out.
    "account_login": Policy(GET_POST, is_open=True),
    "account_logout": Policy(GET_POST, is_open=True),
    "account_signup": Policy(GET_POST, is_open=True),
    "account_inactive": Policy(is_open=True),
    "account_reset_password": Policy(GET_POST, is_open=True),
    "account_reset_password_done": Policy(is_open=True),
    "account_reset_password_from_key": Policy(
        GET_POST, is_open=True, objects={"uidb36": "key", "key": "key"}
    ),
    "account_reset_password_from_key_done": Policy(is_open=True),
    "openid_begin": Policy(POST, is_open=True),
    "openid_return": Policy(is_open=True),
    "account_email_verification_sent": Policy(is_open=True),
    "account_confirm_email": Policy(GET_POST, is_open=True, objects={"key": "key"}),
    "account_reauthenticate": Policy(GET_POST, needs_second_factor=False),
    "mfa_authenticate": Policy(GET_POST, is_open=True),
    "mfa_login_webauthn": Policy(GET_POST, is_open=True),
    "mfa_index": Policy(needs_second_factor=False),
    "mfa_activate_totp": Policy(GET_POST, needs_second_factor=False, recent_sign_in=True),
    "mfa_add_webauthn": Policy(GET_POST, needs_second_factor=False, recent_sign_in=True),
    "mfa_generate_recovery_codes": Policy(GET_POST, recent_sign_in=True),
    "mfa_edit_webauthn": Policy(GET_POST, recent_sign_in=True, objects={"authenticator_id": "authenticator"}),
    "mfa_remove_webauthn": Policy(
        GET_POST, recent_sign_in=True, objects={"authenticator_id": "authenticator"}
    ),
    # Joining, by the link of an invitation.
    "accounts:invitation_join": Policy(GET_POST, is_open=True, objects={"secret": "key"}),
    # One's own account.
    "accounts:my_account": Policy(),
    "accounts:preferences_change": Policy(POST),
    "accounts:theme_change": Policy(POST, needs_second_factor=False),
    "accounts:sign_in_means": Policy(needs_second_factor=False),
    "accounts:password_change": Policy(GET_POST, recent_sign_in=True),
    "accounts:session_list": Policy(),
    "accounts:session_end_others": Policy(POST),
    "accounts:session_end": Policy(POST, objects={"session_id": "session"}),
    "accounts:my_rights": Policy(),
    # The desk.
    "desk:dashboard": Policy(),
    "desk:log_list": Policy(),
    "desk:log_new": Policy(),
    "desk:family_log": Policy(objects={"family_id": "family"}),
    "desk:search": Policy(),
    # Families.
    "families:family_list": Policy(),
    "families:family_place": Policy(GET_POST, MANAGERS, unlimited_only=True, body={"family": "family"}),
    "families:family_detail": Policy(objects={"family_id": "family"}),
    "families:family_changes": Policy(objects={"family_id": "family"}),
    "families:change_list": Policy(roles=REVIEWERS),
    "families:family_rename": Policy(GET_POST, ACTORS, objects={"family_id": "family"}),
    # A reveal: the answer says where anybody can come in.
    "families:panel_open": Policy(GET_POST, MANAGERS, recent_sign_in=True, objects={"family_id": "family"}),
    "families:member_invite": Policy(GET_POST, ACTORS, objects={"family_id": "family"}),
    "families:member_list": Policy(objects={"family_id": "family"}),
    "families:member_rights": Policy(
        GET_POST, ACTORS, objects={"family_id": "family", "member_id": "member"}
    ),
    "families:member_remove": Policy(
        GET_POST, ACTORS, objects={"family_id": "family", "member_id": "member"}
    ),
    "families:member_rights_of_many": Policy(
        GET_POST, ACTORS, objects={"family_id": "family"}, body={"member": "member"}
    ),
    "families:member_remove_many": Policy(
        GET_POST, ACTORS, objects={"family_id": "family"}, body={"member": "member"}
    ),
    "families:member_create": Policy(GET_POST, MANAGERS, objects={"family_id": "family"}),
    "families:family_hand_over": Policy(
        GET_POST, MANAGERS, objects={"family_id": "family"}, body={"member": "member"}
    ),
    "families:family_join": Policy(
        GET_POST, MANAGERS, unlimited_only=True, body={"connection": "connection"}
    ),
    "families:invitation_list": Policy(roles=REVIEWERS),
    "families:invitation_send": Policy(
        POST, ACTORS, objects={"family_id": "family", "invitation_id": "family_invitation"}
    ),
    "families:invitation_forget": Policy(
        POST, ACTORS, objects={"family_id": "family", "invitation_id": "family_invitation"}
    ),
    "families:invitation_keep": Policy(
        POST, ACTORS, objects={"family_id": "family", "invitation_id": "family_invitation"}
    ),
    "families:property_list": Policy(roles=REVIEWERS),
    "families:property_create": Policy(GET_POST, MANAGERS, unlimited_only=True),
    "families:property_detail": Policy(roles=REVIEWERS, objects={"property_id": "property"}),
    "families:property_change": Policy(
        GET_POST, MANAGERS, unlimited_only=True, objects={"property_id": "property"}
    ),
    "families:property_delete": Policy(
        GET_POST, MANAGERS, unlimited_only=True, objects={"property_id": "property"}
    ),
    "families:placement_create": Policy(
        GET_POST,
        MANAGERS,
        unlimited_only=True,
        objects={"property_id": "property"},
        body={"family": "family"},
    ),
    "families:placement_delete": Policy(
        GET_POST,
        MANAGERS,
        unlimited_only=True,
        objects={"property_id": "property"},
        body={"family": "family"},
    ),
    # Imports of residents: drafts are their maker's alone.
    "families:import_list": Policy(roles=MANAGERS),
    "families:import_create": Policy(GET_POST, MANAGERS),
    "families:import_families": Policy(roles=MANAGERS),
    "families:import_columns": Policy(
        GET_POST, MANAGERS, objects={"import_id": "draft"}, body={"family": "family"}
    ),
    "families:import_preview": Policy(roles=MANAGERS, objects={"import_id": "draft"}),
    "families:import_confirm": Policy(GET_POST, MANAGERS, objects={"import_id": "draft"}),
    "families:import_drop": Policy(POST, MANAGERS, objects={"import_id": "draft"}),
    # Jobs: an import of residents and other bulk work. Of a limited manager only their own.
    "families:job_list": Policy(roles=REVIEWERS),
    "families:job_detail": Policy(roles=REVIEWERS, objects={"job_id": "job"}),
    "families:job_progress": Policy(roles=REVIEWERS, objects={"job_id": "job"}),
    "families:job_report": Policy(roles=REVIEWERS, objects={"job_id": "job"}),
    "families:job_pause": Policy(POST, MANAGERS, objects={"job_id": "job"}),
    "families:job_continue": Policy(POST, MANAGERS, objects={"job_id": "job"}),
    "families:job_stop": Policy(POST, MANAGERS, objects={"job_id": "job"}),
    "families:job_row_look": Policy(POST, MANAGERS, objects={"job_id": "job", "row_id": "row"}),
    "families:job_row_close": Policy(POST, MANAGERS, objects={"job_id": "job", "row_id": "row"}),
    "families:job_row_retry": Policy(POST, MANAGERS, objects={"job_id": "job", "row_id": "row"}),
    # People.
    "families:person_list": Policy(roles=MANAGERS),
    "families:person_families": Policy(roles=MANAGERS),
    "families:person_invite": Policy(GET_POST, MANAGERS, body={"property": "property", "family": "family"}),
    "families:person_detail": Policy(roles=MANAGERS, objects={"person_id": "person"}),
    "families:person_change": Policy(
        GET_POST,
        MANAGERS,
        objects={"person_id": "person"},
        body={"property": "property", "family": "family"},
    ),
    "families:person_invite_again": Policy(POST, MANAGERS, objects={"person_id": "person"}),
    "families:person_revoke": Policy(POST, MANAGERS, objects={"person_id": "person"}),
    "families:person_switch_off": Policy(POST, MANAGERS, objects={"person_id": "person"}),
    "families:person_switch_on": Policy(POST, MANAGERS, objects={"person_id": "person"}),
    "families:person_reset_factor": Policy(
        POST, MANAGERS, recent_sign_in=True, objects={"person_id": "person"}
    ),
    "families:person_invite_member": Policy(
        POST, FAMILY_ADMINS, objects={"family_id": "family", "member_id": "member"}
    ),
    "families:grant_begin": Policy(
        GET_POST, MANAGERS, objects={"person_id": "person"}, body={"family": "family"}
    ),
    "families:grant_change": Policy(
        GET_POST, MANAGERS, objects={"person_id": "person", "family_id": "family"}
    ),
    "families:grant_end": Policy(POST, MANAGERS, objects={"person_id": "person", "family_id": "family"}),
    # Doors.
    "access:device_list": Policy(),
    "access:device_detail": Policy(objects={"device_id": "device"}),
    # Questions to the upstream in the organisation's name. An auditor looks, and asks nothing.
    "access:device_check": Policy(POST, MANAGERS, objects={"device_id": "device"}),
    "access:device_check_many": Policy(POST, MANAGERS, body={"device": "device"}),
    "access:device_stream": Policy(POST, MANAGERS, recent_sign_in=True, objects={"device_id": "device"}),
    "access:device_changes": Policy(),
    "access:family_doors": Policy(objects={"family_id": "family"}),
    "access:family_door_changes": Policy(objects={"family_id": "family"}),
    "access:opening_confirm": Policy(roles=ACTORS, objects={"family_id": "family", "relay_id": "relay"}),
    "access:opening_create": Policy(
        POST, ACTORS, objects={"family_id": "family", "relay_id": "relay"}, body={"through": "relay"}
    ),
    "access:opening_press": Policy(
        roles=ACTORS, objects={"family_id": "family", "relay_id": "relay", "command_id": "press"}
    ),
    "access:opening_thumbnail": Policy(objects={"opening_id": "opening"}),
    "access:opening_picture": Policy(objects={"opening_id": "opening"}),
    "access:opening_picture_page": Policy(objects={"opening_id": "opening"}),
    # Passes.
    "access:pass_list": Policy(),
    # A property of the form is "place", as "property" is what a list was filtered by.
    "access:pass_create": Policy(GET_POST, ACTORS, body={"family": "family", "place": "property"}),
    "access:pass_match": Policy(GET_POST, ACTORS, objects={"pass_id": "pass"}, body={"candidate": "pass"}),
    "access:pass_delete": Policy(GET_POST, ACTORS, body={"pass": "pass"}),
    "access:family_passes": Policy(objects={"family_id": "family"}),
    "access:pass_detail": Policy(objects={"pass_id": "pass"}),
    "access:pass_change": Policy(GET_POST, ACTORS, objects={"pass_id": "pass"}),
    "access:pass_reveal": Policy(POST, ACTORS, recent_sign_in=True, objects={"pass_id": "pass"}),
    # With a code or a link in it the view asks for a recent sign-in, and keeps what was typed.
    "access:pass_mail": Policy(GET_POST, ACTORS, objects={"pass_id": "pass"}),
    "access:pass_sheet": Policy(POST, ACTORS, recent_sign_in=True, objects={"pass_id": "pass"}),
    "access:visitor_link_create": Policy(POST, ACTORS, recent_sign_in=True, objects={"pass_id": "pass"}),
    "access:visitor_link_revoke": Policy(POST, ACTORS, objects={"pass_id": "pass"}),
    # A visitor's link: whoever holds it may see its pass.
    "access:visitor_pass": Policy(GET_POST, is_open=True, objects={"secret": "key"}),
    # Credentials: of one's own account in a family; unlimited managers also of the organisation's. No auditor.
    "access:my_credentials": Policy(roles=ACTORS),
    "access:my_credentials_read": Policy(POST, ACTORS),
    "access:credential_list": Policy(roles=ACTORS, objects={"family_id": "family"}),
    "access:credential_read": Policy(POST, ACTORS, objects={"family_id": "family"}),
    "access:credential_reveal": Policy(POST, ACTORS, recent_sign_in=True, objects={"family_id": "family"}),
    "access:credential_switch": Policy(POST, ACTORS, objects={"family_id": "family"}),
    "access:pin_change": Policy(GET_POST, ACTORS, recent_sign_in=True, objects={"family_id": "family"}),
    "access:face_register": Policy(GET_POST, ACTORS, recent_sign_in=True, objects={"family_id": "family"}),
    "access:face_delete": Policy(POST, ACTORS, objects={"family_id": "family"}),
    # Move-outs.
    "access:move_out_create": Policy(
        GET_POST,
        MANAGERS,
        recent_sign_in=True,
        objects={"family_id": "family"},
        body={"member": "member", "person": "person"},
    ),
    "access:move_out_list": Policy(roles=REVIEWERS),
    "access:move_out_detail": Policy(roles=REVIEWERS, objects={"move_out_id": "move_out"}),
    "access:move_out_look": Policy(POST, MANAGERS, objects={"move_out_id": "move_out"}),
    "access:move_out_take_over": Policy(
        POST, MANAGERS, recent_sign_in=True, objects={"move_out_id": "move_out"}
    ),
    "access:move_out_retry": Policy(POST, MANAGERS, recent_sign_in=True, objects={"move_out_id": "move_out"}),
    # Connections: the organisation's are unlimited managers' affair, one's own is everybody's who may act.
    "connections:connection_list": Policy(roles=MANAGERS, unlimited_only=True),
    "connections:connection_create": Policy(GET_POST, MANAGERS, unlimited_only=True, recent_sign_in=True),
    "connections:connection_detail": Policy(
        roles=MANAGERS, unlimited_only=True, objects={"connection_id": "connection"}
    ),
    "connections:connection_renew": Policy(
        GET_POST,
        MANAGERS,
        unlimited_only=True,
        recent_sign_in=True,
        objects={"connection_id": "connection"},
    ),
    "connections:connection_change": Policy(
        GET_POST, MANAGERS, unlimited_only=True, objects={"connection_id": "connection"}
    ),
    "connections:connection_pause": Policy(
        POST, MANAGERS, unlimited_only=True, objects={"connection_id": "connection"}
    ),
    "connections:connection_continue": Policy(
        POST, MANAGERS, unlimited_only=True, objects={"connection_id": "connection"}
    ),
    "connections:connection_remove": Policy(
        POST, MANAGERS, unlimited_only=True, objects={"connection_id": "connection"}
    ),
    # A GET that writes: the upstream sends the browser there, and its state is guarded instead.
    "connections:sign_in_return": Policy(roles=ACTORS),
    "connections:own_connection": Policy(roles=ACTORS),
    "connections:own_connection_sign_in": Policy(GET_POST, ACTORS, recent_sign_in=True),
    "connections:own_connection_continue": Policy(POST, ACTORS),
    "connections:own_connection_remove": Policy(POST, ACTORS),
    # The trail.
    "audit:entry_list": Policy(roles=REVIEWERS),
}
