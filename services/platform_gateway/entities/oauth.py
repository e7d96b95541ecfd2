"""Apps, tokens, and what the authorization server says of itself."""

from msgspec import UNSET, Struct, UnsetType, field


class App(Struct, kw_only=True):
    """A registered app as others may see it, and as its maker sees it once."""

    id: str
    name: str
    website: str | None
    scopes: list[str]
    redirect_uri: str
    redirect_uris: list[str]
    vapid_key: str = ""
    client_id: str | UnsetType = UNSET
    client_secret: str | UnsetType = UNSET
    client_secret_expires_at: int | UnsetType = UNSET


class Token(Struct, kw_only=True):
    """An access token (RFC 6749, section 5.1)."""

    access_token: str
    scope: str
    created_at: int
    token_type: str = "Bearer"  # noqa: S105 - a word of the protocol


class UserInfo(Struct, kw_only=True):
    """Claims about the signed-in person (OpenID Connect Core, section 5.3)."""

    iss: str
    sub: str
    name: str
    preferred_username: str
    profile: str
    picture: str


class ServerMetadata(Struct, kw_only=True):
    """Where everything is (RFC 8414)."""

    issuer: str
    service_documentation: str
    authorization_endpoint: str
    token_endpoint: str
    app_registration_endpoint: str
    revocation_endpoint: str
    userinfo_endpoint: str
    scopes_supported: list[str]
    response_types_supported: list[str] = field(default_factory=lambda: ["code"])
    response_modes_supported: list[str] = field(default_factory=lambda: ["query"])
    grant_types_supported: list[str] = field(
        default_factory=lambda: ["authorization_code", "client_credentials"]
    )
    token_endpoint_auth_methods_supported: list[str] = field(
        default_factory=lambda: ["client_secret_basic", "client_secret_post"]
    )
    code_challenge_methods_supported: list[str] = field(default_factory=lambda: ["S256"])
