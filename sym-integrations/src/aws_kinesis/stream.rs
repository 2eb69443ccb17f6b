//! The two kinds of streams: their limits, and what a call and its response look like.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use sym_sdk::error::Result;

use crate::audit_format::BatchLimits;
use crate::http::Response;
use crate::kit::null_as_default;

/// A kind of streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StreamKind {
    /// A delivery stream of Amazon Data Firehose.
    Firehose,
    /// A data stream of Amazon Kinesis.
    DataStream,
}

/// The maximum number of records of a call.
const MAX_RECORDS: usize = 500;

/// The distance that is kept from limits in bytes.
const MARGIN: usize = 1_024;

/// A record: an entry with a line break, and the Run that it belongs to.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) data: String,
    /// Of 1 to 256 characters. Records with one key are in one shard.
    pub(super) partition_key: String,
}

/// The outcome of one record of a call.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Stored,
    /// A code and a message.
    Refused(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutResponse {
    #[serde(default, deserialize_with = "null_as_default")]
    request_responses: Vec<RecordResponse>,
    #[serde(default, deserialize_with = "null_as_default")]
    records: Vec<RecordResponse>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RecordResponse {
    record_id: Option<String>,
    sequence_number: Option<String>,
    error_code: Option<String>,
    error_message: Option<String>,
}

impl StreamKind {
    /// The name of the service in hosts and signatures.
    pub(super) fn service(self) -> &'static str {
        match self {
            Self::Firehose => "firehose",
            Self::DataStream => "kinesis",
        }
    }

    pub(super) fn target(self) -> &'static str {
        match self {
            Self::Firehose => "Firehose_20150804.PutRecordBatch",
            Self::DataStream => "Kinesis_20131202.PutRecords",
        }
    }

    /// The longest name of a stream.
    pub(super) fn max_name(self) -> usize {
        match self {
            Self::Firehose => 64,
            Self::DataStream => 128,
        }
    }

    /// The largest data of a record before it is encoded: 1,024,000 bytes, or a MiB with the partition key.
    pub(super) fn max_data(self) -> usize {
        match self {
            Self::Firehose => 1_024_000 - MARGIN,
            Self::DataStream => (1 << 20) - MARGIN,
        }
    }

    /// The limits of a call, in bytes before encoding: 4 MiB, or 5 MiB with the partition keys.
    pub(super) fn limits(self) -> BatchLimits {
        let bytes = match self {
            Self::Firehose => 4 << 20,
            Self::DataStream => 5 << 20,
        };
        BatchLimits { entries: MAX_RECORDS, bytes: bytes - MARGIN, envelope: 0, separator: 0 }
    }

    /// The bytes of a record that count.
    pub(super) fn size(self, record: &Record) -> usize {
        match self {
            Self::Firehose => record.data.len(),
            Self::DataStream => record.data.len() + record.partition_key.len(),
        }
    }

    /// [`PutRecordBatch`](https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html),
    /// [`PutRecords`](https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html)
    pub(super) fn body(self, stream: &str, records: &[&Record]) -> Value {
        let data = |record: &Record| STANDARD.encode(&record.data);
        match self {
            Self::Firehose => {
                let records: Vec<_> = records.iter().map(|record| json!({ "Data": data(record) })).collect();
                json!({ "DeliveryStreamName": stream, "Records": records })
            }
            Self::DataStream => {
                let records = records.iter();
                let records: Vec<_> = records
                    .map(|record| json!({ "Data": data(record), "PartitionKey": record.partition_key }))
                    .collect();
                json!({ "StreamName": stream, "Records": records })
            }
        }
    }

    /// Reads the outcome of each record, in the order of the request. A record counts as stored if it has been given an id.
    pub(super) fn outcomes(self, response: &Response, sent: usize) -> Result<Vec<Outcome>> {
        let PutResponse { request_responses, records } = response.json()?;
        let found = match self {
            Self::Firehose => request_responses,
            Self::DataStream => records,
        };
        if found.len() != sent {
            return Err(response.invalid(format!("{sent} records were sent, and the response has {}", found.len())));
        }
        let outcome = |record: RecordResponse| {
            let id = match self {
                Self::Firehose => record.record_id,
                Self::DataStream => record.sequence_number,
            };
            match (id.filter(|id| !id.is_empty()), record.error_code) {
                (Some(_), None) => Outcome::Stored,
                (_, code) => {
                    let code = code.unwrap_or_else(|| "no id".to_owned());
                    Outcome::Refused(format!(
                        "{code}: {}",
                        record.error_message.as_deref().unwrap_or("no reason given")
                    ))
                }
            }
        };
        Ok(found.into_iter().map(outcome).collect())
    }
}
