"""Who we are to Firebase Cloud Messaging: the function's own service account, or nobody.

A double, which only the emulators have, gets the word that it waits for and no credentials.
"""

import google.auth
from google.auth import exceptions
from google.auth.transport.requests import AuthorizedSession
from google.oauth2.credentials import Credentials

from shared.serverless import Misconfigured
from trigger.adapters.fcm import FcmAccess

ADDRESS = "https://fcm.googleapis.com"
#: Good for sending messages and nothing else, whatever else the account may do.
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
#: What Firebase's emulators take for the server's token.
DOUBLES_TOKEN = "owner"  # noqa: S105 (a word of the emulators')


def fcm_access(double: str | None, project: str) -> FcmAccess:
    """`double`: as `trigger.notification_settings.double_from`. Raises `Misconfigured`."""
    if double is not None:
        return _access(Credentials(DOUBLES_TOKEN), double, project)
    try:
        credentials, _ = google.auth.default(scopes=[SCOPE])
    except exceptions.GoogleAuthError as error:
        raise Misconfigured(f"there are no credentials for FCM: {type(error).__name__}") from None
    return _access(credentials, ADDRESS, project)


def _access(credentials: object, address: str, project: str) -> FcmAccess:
    # A 401 may be APNs' as well, which no new token mends.
    session = AuthorizedSession(credentials, refresh_status_codes=())
    # No proxy and no other credentials from the environment.
    session.trust_env = False
    return FcmAccess(session=session, address=address, project=project)
