"""AWS's numbers for STS. Source: the API pages of AssumeRole and GetSessionToken."""

ROLE_ARN_MIN_CHARS = 20
ROLE_ARN_MAX_CHARS = 2048
SESSION_NAME_MIN_CHARS = 2
SESSION_NAME_MAX_CHARS = 64
DURATION_MIN_S = 900
ROLE_DURATION_MAX_S = 43_200
ROLE_DURATION_DEFAULT_S = 3600
TOKEN_DURATION_MAX_S = 129_600
TOKEN_DURATION_DEFAULT_S = 43_200
SESSIONS_MAX = 10_000
"""Sessions that are remembered for GetCallerIdentity; the oldest go first. (Ours: AWS has no such number.)"""
