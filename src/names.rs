//! Short names of the numbers that cross the boundary, for logs and error messages.

use std::ffi::CStr;

/// The name of a result.
pub(crate) fn status(result: i32) -> &'static CStr {
    match result {
        0 => c"Success",
        -1 => c"NetworkIdMismatch",
        -2 => c"NetworkVersionMismatch",
        -3 => c"NetworkStateMismatch",
        -4 => c"NetworkPacketOverflow",
        -5 => c"NetworkSendQueueFull",
        -6 => c"NetworkHeaderInvalid",
        -7 => c"NetworkDriverParallelForErr",
        -8 => c"NetworkSendHandleInvalid",
        -9 => c"NetworkArgumentMismatch",
        -10 => c"NetworkReceiveQueueFull",
        -11 => c"NetworkSocketError",
        -100 => c"InvalidHandle",
        -101 => c"NullArgument",
        -102 => c"InvalidArgument",
        -103 => c"StructSize",
        -104 => c"DriverInUse",
        -105 => c"Panic",
        -106 => c"BufferTooSmall",
        -107 => c"LimitReached",
        -108 => c"NotSupported",
        -109 => c"NotFound",
        -110 => c"JobFailed",
        _ => c"Unknown",
    }
}

/// The name of a disconnect reason.
pub(crate) fn disconnect_reason(reason: i32) -> &'static CStr {
    match reason {
        0 => c"Default",
        1 => c"Timeout",
        2 => c"MaxConnectionAttempts",
        3 => c"ClosedByRemote",
        6 => c"AuthenticationFailure",
        7 => c"ProtocolError",
        9 => c"HostNotFound",
        64 => c"ConnectionLost",
        65 => c"ConnectionRefused",
        66 => c"HandshakeRejected",
        67 => c"MessageTooBig",
        68 => c"ProxyFailed",
        _ => c"Unknown",
    }
}
