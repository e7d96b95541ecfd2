"""Why a signature was not accepted: one word of a fixed list, and never a bare False."""

from enum import StrEnum

from shared.protocol.errors import Rejected


class Reason(StrEnum):
    """Every way to be refused; the values are labels of the metric and fields of the log."""

    SIGNATURE_MISSING = "signature_missing"
    SIGNATURE_MALFORMED = "signature_malformed"
    SIGNATURE_INVALID = "signature_invalid"
    SEVERAL_SIGNATURES = "several_signatures"
    ALGORITHM_UNSUPPORTED = "algorithm_unsupported"
    ALGORITHM_MISMATCH = "algorithm_mismatch"
    COMPONENT_UNSUPPORTED = "component_unsupported"
    TARGET_NOT_COVERED = "target_not_covered"
    HOST_NOT_COVERED = "host_not_covered"
    HOST_MISMATCH = "host_mismatch"
    HEADER_MALFORMED = "header_malformed"
    HEADER_MISSING = "header_missing"
    HEADER_REPEATED = "header_repeated"
    DIGEST_MISSING = "digest_missing"
    DIGEST_MALFORMED = "digest_malformed"
    DIGEST_UNSUPPORTED = "digest_unsupported"
    DIGEST_MISMATCH = "digest_mismatch"
    DIGEST_NOT_COVERED = "digest_not_covered"
    DATE_MISSING = "date_missing"
    DATE_MALFORMED = "date_malformed"
    DATE_OUT_OF_WINDOW = "date_out_of_window"
    DATE_NOT_COVERED = "date_not_covered"
    EXPIRED = "expired"
    KEY_ID_UNUSABLE = "key_id_unusable"
    KEY_MALFORMED = "key_malformed"
    KEY_UNSUPPORTED = "key_unsupported"
    KEY_WEAK = "key_weak"
    PROOF_MALFORMED = "proof_malformed"
    PROOF_OUT_OF_WINDOW = "proof_out_of_window"
    PROOF_INVALID = "proof_invalid"


class Refused(Rejected):
    """The signature, or the key behind it, does not prove what it has to."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(detail or reason.value.replace("_", " "), reason=reason.value)
        self.why = reason
