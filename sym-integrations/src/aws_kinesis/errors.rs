//! The failures of streams, of a whole call or of one of its records.

use sym_sdk::error::ErrorKind;

use crate::aws;
use crate::http::{Failure, Response, Retry};
use crate::kit::{ErrorRule, ErrorTable};

/// The codes of streams, in our form.
const ERRORS: ErrorTable = ErrorTable::new(&[
    ErrorRule::kind(&["PROVISIONED_THROUGHPUT_EXCEEDED", "LIMIT_EXCEEDED", "KMS_THROTTLING"], ErrorKind::RateLimited)
        .retry(Retry::Always),
    ErrorRule::hint_only(
        &["RESOURCE_NOT_FOUND"],
        "check `stream_name`, and the region and the account of the integration",
    ),
    ErrorRule::hint_only(
        &["ACCESS_DENIED"],
        "allow the role `firehose:PutRecordBatch` or `kinesis:PutRecords` for the stream",
    ),
    ErrorRule::hint_only(
        &["KMS_ACCESS_DENIED", "KMS_DISABLED", "KMS_INVALID_STATE", "KMS_NOT_FOUND", "INVALID_KMS_RESOURCE"],
        "the key that encrypts the stream cannot be used",
    ),
]);

pub(super) fn classify(response: &Response) -> Result<(), Failure> {
    aws::classify(response).map_err(|failure| {
        let name = failure.code().name().to_owned();
        ERRORS.apply(failure, &name)
    })
}
