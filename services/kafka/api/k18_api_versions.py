"""ApiVersions (key 18): which APIs are spoken here, and in which versions.

Versions 0-4. Just what is implemented is advertised, with one exception: Produce says 0 as its lowest version, although 0-2 are
refused, because older librdkafka takes a higher one to mean that compression is not supported (KAFKA-18659). A version that is newer
than ours is answered by server.py in the form of version 0 with error 35 (KIP-511).
The feature transaction.version 2 says that clients may use KIP-890, group.version 1 KIP-848, share.version 1 KIP-932.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from services.kafka.api.base import api
from services.kafka.errors import Error

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request

PRODUCE = 0
FEATURES = (("group.version", 1), ("share.version", 1), ("transaction.version", 2))
_SOFTWARE = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?")


@api(18, "ApiVersions", versions=(0, 4), before_login=True)
def api_versions(call: Call, request: Request) -> Answer:
    """Advertise."""
    names = request["ClientSoftwareName"], request["ClientSoftwareVersion"]
    if call.version >= 3 and not all(map(_SOFTWARE.fullmatch, names)):
        return {"ErrorCode": Error.INVALID_REQUEST}
    return {
        "ApiKeys": [
            {
                "ApiKey": found.key,
                "MinVersion": 0 if found.key == PRODUCE else found.versions[0],
                "MaxVersion": found.versions[1],
            }
            for found in sorted(call.apis.values(), key=lambda found: found.key)
        ],
        "SupportedFeatures": [{"Name": name, "MinVersion": 0, "MaxVersion": level} for name, level in FEATURES],
        "FinalizedFeaturesEpoch": 0,
        "FinalizedFeatures": [
            {"Name": name, "MaxVersionLevel": level, "MinVersionLevel": level} for name, level in FEATURES
        ],
    }
