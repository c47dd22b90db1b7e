//! The errors of SNS.

pub(crate) struct Error {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Error {
    pub(super) fn sender(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    pub(super) fn invalid(what: impl std::fmt::Display) -> Self {
        Self::sender(
            400,
            "InvalidParameter",
            format!("Invalid parameter: {what}"),
        )
    }
}
