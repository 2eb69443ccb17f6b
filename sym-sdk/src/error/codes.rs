//! The error codes of this crate, and those that Sym's SDK defines for its integrations.

use super::ErrorCode;

/// `AccessStrategy:STRATEGY_NOT_FOUND`: the strategy does not exist.
pub const ACCESS_STRATEGY_NOT_FOUND: ErrorCode = ErrorCode::new("AccessStrategy", "STRATEGY_NOT_FOUND");
/// `Aptible:ALREADY_IN_ROLE`: the user already has the Aptible role.
pub const APTIBLE_ALREADY_IN_ROLE: ErrorCode = ErrorCode::new("Aptible", "ALREADY_IN_ROLE");
/// `AWS:ASSUME_ROLE_FAILED`: the AWS role could not be assumed.
pub const AWS_ASSUME_ROLE_FAILED: ErrorCode = ErrorCode::new("AWS", "ASSUME_ROLE_FAILED");
/// `AWSLambda:FATAL_FUNCTION_ERROR`: the Lambda function failed.
pub const AWS_LAMBDA_FATAL_FUNCTION_ERROR: ErrorCode = ErrorCode::new("AWSLambda", "FATAL_FUNCTION_ERROR");
/// `AWSIAM:GROUP_NOT_FOUND`: the IAM group does not exist.
pub const AWS_IAM_GROUP_NOT_FOUND: ErrorCode = ErrorCode::new("AWSIAM", "GROUP_NOT_FOUND");
/// `AWSSSO:GROUP_NOT_FOUND`: the IAM Identity Center group does not exist.
pub const AWS_SSO_GROUP_NOT_FOUND: ErrorCode = ErrorCode::new("AWSSSO", "GROUP_NOT_FOUND");
/// `Boundary:ALREADY_IN_ROLE`: the user is already in the Boundary group.
pub const BOUNDARY_ALREADY_IN_ROLE: ErrorCode = ErrorCode::new("Boundary", "ALREADY_IN_ROLE");
/// `GitHub:REPOSITORY_NOT_FOUND`: the repository does not exist.
pub const GITHUB_REPOSITORY_NOT_FOUND: ErrorCode = ErrorCode::new("GitHub", "REPOSITORY_NOT_FOUND");
/// `Google:USER_NOT_FOUND`: the Google user does not exist.
pub const GOOGLE_USER_NOT_FOUND: ErrorCode = ErrorCode::new("Google", "USER_NOT_FOUND");
/// `HTTP:ERROR_RESPONSE`: a server returned an error.
pub const HTTP_ERROR_RESPONSE: ErrorCode = ErrorCode::new("HTTP", "ERROR_RESPONSE");
/// `Identity:COULD_NOT_SAVE`: an identity could not be saved.
pub const IDENTITY_COULD_NOT_SAVE: ErrorCode = ErrorCode::new("Identity", "COULD_NOT_SAVE");
/// `Identity:NOT_FOUND`: the account of a user in a service is unknown.
pub const IDENTITY_NOT_FOUND: ErrorCode = ErrorCode::new("Identity", "NOT_FOUND");
/// `Jira:MISSING_INSTALLATION`: Jira is not connected.
pub const JIRA_MISSING_INSTALLATION: ErrorCode = ErrorCode::new("Jira", "MISSING_INSTALLATION");
/// `KnowBe4:USER_NOT_FOUND`: the KnowBe4 user does not exist.
pub const KNOWBE4_USER_NOT_FOUND: ErrorCode = ErrorCode::new("KnowBe4", "USER_NOT_FOUND");
/// `Okta:GROUP_NOT_FOUND`: the Okta group does not exist.
pub const OKTA_GROUP_NOT_FOUND: ErrorCode = ErrorCode::new("Okta", "GROUP_NOT_FOUND");
/// `OneLogin:AUTH_FAILED`: OneLogin rejected the credentials.
pub const ONELOGIN_AUTH_FAILED: ErrorCode = ErrorCode::new("OneLogin", "AUTH_FAILED");
/// `PagerDuty:USER_NOT_FOUND`: the PagerDuty user does not exist.
pub const PAGERDUTY_USER_NOT_FOUND: ErrorCode = ErrorCode::new("PagerDuty", "USER_NOT_FOUND");
/// `PagerDuty:UNKNOWN`: PagerDuty failed without a reason.
pub const PAGERDUTY_UNKNOWN: ErrorCode = ErrorCode::new("PagerDuty", "UNKNOWN");
/// `SymSDK:MISSING_ARGUMENT`: a required argument is missing.
pub const MISSING_ARGUMENT: ErrorCode = ErrorCode::new("SymSDK", "MISSING_ARGUMENT");
/// `Slack:NOT_IN_CHANNEL`: the app is not a member of the channel.
pub const SLACK_NOT_IN_CHANNEL: ErrorCode = ErrorCode::new("Slack", "NOT_IN_CHANNEL");
/// `SymIntegration:USER_PROCESSING_ERROR`: a user could not be looked up or created.
pub const USER_PROCESSING_ERROR: ErrorCode = ErrorCode::new("SymIntegration", "USER_PROCESSING_ERROR");
/// `Authentication:INVALID_JWT`: the token is invalid.
pub const AUTHENTICATION_INVALID_JWT: ErrorCode = ErrorCode::new("Authentication", "INVALID_JWT");
/// `DeescalateAPI:INVALID_RUN`: the Run is not in a state that this event applies to.
pub const DEESCALATE_INVALID_RUN: ErrorCode = ErrorCode::new("DeescalateAPI", "INVALID_RUN");

// Codes that Sym's SDK does not have.

/// `SymSDK:INVALID_ERROR_CODE`: not an error code.
pub const INVALID_ERROR_CODE: ErrorCode = ErrorCode::new("SymSDK", "INVALID_ERROR_CODE");
/// `SymSDK:INVALID_ID`: not a UUID.
pub const INVALID_ID: ErrorCode = ErrorCode::new("SymSDK", "INVALID_ID");
/// `SymSDK:INVALID_EMAIL`: not an e-mail address.
pub const INVALID_EMAIL: ErrorCode = ErrorCode::new("SymSDK", "INVALID_EMAIL");
/// `SymSDK:INVALID_SRN`: not a Sym Resource Name.
pub const INVALID_SRN: ErrorCode = ErrorCode::new("SymSDK", "INVALID_SRN");
/// `SymSDK:INVALID_SLUG`: not a slug.
pub const INVALID_SLUG: ErrorCode = ErrorCode::new("SymSDK", "INVALID_SLUG");
/// `SymSDK:INVALID_FIELD_VALUE`: a value is invalid for its field.
pub const INVALID_FIELD_VALUE: ErrorCode = ErrorCode::new("SymSDK", "INVALID_FIELD_VALUE");
/// `SymSDK:INVALID_FIELD`: the declaration of a field or of one of its options is invalid.
pub const INVALID_FIELD: ErrorCode = ErrorCode::new("SymSDK", "INVALID_FIELD");
/// `SymSDK:UNKNOWN_FIELD`: the field does not exist.
pub const UNKNOWN_FIELD: ErrorCode = ErrorCode::new("SymSDK", "UNKNOWN_FIELD");
/// `SymSDK:MISSING_FIELD`: a required field has no value.
pub const MISSING_FIELD: ErrorCode = ErrorCode::new("SymSDK", "MISSING_FIELD");
/// `SymSDK:UNKNOWN_VAR`: the flow has no such var.
pub const UNKNOWN_VAR: ErrorCode = ErrorCode::new("SymSDK", "UNKNOWN_VAR");
/// `SymSDK:UNKNOWN_SETTING`: the setting does not exist.
pub const UNKNOWN_SETTING: ErrorCode = ErrorCode::new("SymSDK", "UNKNOWN_SETTING");
/// `SymSDK:UNKNOWN_SECRET`: the secret does not exist.
pub const UNKNOWN_SECRET: ErrorCode = ErrorCode::new("SymSDK", "UNKNOWN_SECRET");
/// `SymSDK:UNKNOWN_INTEGRATION`: the environment has no such integration.
pub const UNKNOWN_INTEGRATION: ErrorCode = ErrorCode::new("SymSDK", "UNKNOWN_INTEGRATION");
/// `SymSDK:UNKNOWN_FLOW`: the flow does not exist.
pub const UNKNOWN_FLOW: ErrorCode = ErrorCode::new("SymSDK", "UNKNOWN_FLOW");
/// `SymSDK:FLOW_UNAVAILABLE`: the flow accepts no requests, because parts of it could not be built.
pub const FLOW_UNAVAILABLE: ErrorCode = ErrorCode::new("SymSDK", "FLOW_UNAVAILABLE");
/// `SymSDK:UNKNOWN_TARGET`: the flow has no such target.
pub const UNKNOWN_TARGET: ErrorCode = ErrorCode::new("SymSDK", "UNKNOWN_TARGET");
/// `SymSDK:INVALID_DURATION`: not a duration, or not one of the offered durations.
pub const INVALID_DURATION: ErrorCode = ErrorCode::new("SymSDK", "INVALID_DURATION");
/// `SymSDK:OPTION_NOT_ALLOWED`: the value is not among those the field allows.
pub const OPTION_NOT_ALLOWED: ErrorCode = ErrorCode::new("SymSDK", "OPTION_NOT_ALLOWED");
/// `SymSDK:INVALID_PERMISSION`: not a request permission.
pub const INVALID_PERMISSION: ErrorCode = ErrorCode::new("SymSDK", "INVALID_PERMISSION");
/// `SymSDK:INVALID_DESTINATION`: not a destination, notification or fallback.
pub const INVALID_DESTINATION: ErrorCode = ErrorCode::new("SymSDK", "INVALID_DESTINATION");
/// `SymSDK:INVALID_EVENT`: an event was asked for in a way that does not apply to it.
pub const INVALID_EVENT: ErrorCode = ErrorCode::new("SymSDK", "INVALID_EVENT");
/// `SymSDK:INVALID_STEP`: not the name of an event.
pub const INVALID_STEP: ErrorCode = ErrorCode::new("SymSDK", "INVALID_STEP");
/// `SymSDK:NOT_PERMITTED`: the user may not do this.
pub const NOT_PERMITTED: ErrorCode = ErrorCode::new("SymSDK", "NOT_PERMITTED");
/// `SymSDK:ALREADY_DECIDED`: the request has been decided before.
pub const ALREADY_DECIDED: ErrorCode = ErrorCode::new("SymSDK", "ALREADY_DECIDED");
/// `SymSDK:NOT_EXTENDABLE`: the access cannot be extended, or not now.
pub const NOT_EXTENDABLE: ErrorCode = ErrorCode::new("SymSDK", "NOT_EXTENDABLE");
/// `SymSDK:SELF_APPROVAL`: the requester may not approve this request.
pub const SELF_APPROVAL: ErrorCode = ErrorCode::new("SymSDK", "SELF_APPROVAL");
/// `SymSDK:REQUEST_OUTDATED`: what the request asks for was changed in the configuration since.
pub const REQUEST_OUTDATED: ErrorCode = ErrorCode::new("SymSDK", "REQUEST_OUTDATED");
/// `SymSDK:REQUEST_CHANGED`: the request is not what its approver has seen.
pub const REQUEST_CHANGED: ErrorCode = ErrorCode::new("SymSDK", "REQUEST_CHANGED");
/// `SymSDK:IDEMPOTENCY_KEY_REUSED`: the idempotency key was used for something else.
pub const IDEMPOTENCY_KEY_REUSED: ErrorCode = ErrorCode::new("SymSDK", "IDEMPOTENCY_KEY_REUSED");
/// `SymSDK:INVALID_CURSOR`: not a cursor, or one of another list or record.
pub const INVALID_CURSOR: ErrorCode = ErrorCode::new("SymSDK", "INVALID_CURSOR");
/// `SymSDK:UNKNOWN_EVENT`: the event does not exist.
pub const UNKNOWN_EVENT: ErrorCode = ErrorCode::new("SymSDK", "UNKNOWN_EVENT");
/// `SymSDK:UNKNOWN_RUN`: the Run does not exist.
pub const UNKNOWN_RUN: ErrorCode = ErrorCode::new("SymSDK", "UNKNOWN_RUN");
/// `SymSDK:RUN_PRUNED`: the Run existed, but has been pruned.
pub const RUN_PRUNED: ErrorCode = ErrorCode::new("SymSDK", "RUN_PRUNED");
/// `SymSDK:MESSAGE_GONE`: a message that was delivered does not exist any more, or nobody can see it.
pub const MESSAGE_GONE: ErrorCode = ErrorCode::new("SymSDK", "MESSAGE_GONE");
/// `SymSDK:UNKNOWN_MESSAGE`: the message does not belong to the request.
pub const UNKNOWN_MESSAGE: ErrorCode = ErrorCode::new("SymSDK", "UNKNOWN_MESSAGE");
/// `SymSDK:UNKNOWN_USER`: the user does not exist.
pub const UNKNOWN_USER: ErrorCode = ErrorCode::new("SymSDK", "UNKNOWN_USER");
/// `SymSDK:USER_DELETED`: the user was deleted, and is not added again without an administrator.
pub const USER_DELETED: ErrorCode = ErrorCode::new("SymSDK", "USER_DELETED");
/// `SymSDK:USER_LOCKED`: the user is locked.
pub const USER_LOCKED: ErrorCode = ErrorCode::new("SymSDK", "USER_LOCKED");
/// `SymSDK:FIRST_CONTACT`: somebody who was unknown until now may not decide.
pub const FIRST_CONTACT: ErrorCode = ErrorCode::new("SymSDK", "FIRST_CONTACT");
/// `Authentication:TOKEN_EXPIRED`: the token has expired.
pub const AUTHENTICATION_TOKEN_EXPIRED: ErrorCode = ErrorCode::new("Authentication", "TOKEN_EXPIRED");
/// `Authentication:TOKEN_REVOKED`: the token was revoked.
pub const AUTHENTICATION_TOKEN_REVOKED: ErrorCode = ErrorCode::new("Authentication", "TOKEN_REVOKED");
/// `Authentication:BOT_DELETED`: the bot of the token was deleted.
pub const AUTHENTICATION_BOT_DELETED: ErrorCode = ErrorCode::new("Authentication", "BOT_DELETED");
/// `SymSDK:UNKNOWN_TOKEN`: the token does not exist.
pub const UNKNOWN_TOKEN: ErrorCode = ErrorCode::new("SymSDK", "UNKNOWN_TOKEN");
/// `SymSDK:INVALID_TOKEN`: a token cannot be issued with these parameters.
pub const INVALID_TOKEN: ErrorCode = ErrorCode::new("SymSDK", "INVALID_TOKEN");
/// `SymSDK:HANDLER_FAILED`: a handler returned an error.
pub const HANDLER_FAILED: ErrorCode = ErrorCode::new("SymSDK", "HANDLER_FAILED");
/// `SymSDK:HANDLER_PANICKED`: a handler panicked.
pub const HANDLER_PANICKED: ErrorCode = ErrorCode::new("SymSDK", "HANDLER_PANICKED");
/// `SymSDK:HANDLER_TIMED_OUT`: a handler exceeded its time limit.
pub const HANDLER_TIMED_OUT: ErrorCode = ErrorCode::new("SymSDK", "HANDLER_TIMED_OUT");
/// `SymSDK:ARGUMENT_UNAVAILABLE`: an argument of a handler is not available.
pub const ARGUMENT_UNAVAILABLE: ErrorCode = ErrorCode::new("SymSDK", "ARGUMENT_UNAVAILABLE");
/// `SymSDK:OUTPUT_SECRET_UNAVAILABLE`: a secret in the output of a step is lost, or cannot be decrypted.
pub const OUTPUT_SECRET_UNAVAILABLE: ErrorCode = ErrorCode::new("SymSDK", "OUTPUT_SECRET_UNAVAILABLE");
/// `SymSDK:INVALID_VAR`: a var cannot be converted to the type that a handler expects.
pub const INVALID_VAR: ErrorCode = ErrorCode::new("SymSDK", "INVALID_VAR");
/// `SymSDK:CONFIGURATION`: the configuration is invalid.
pub const CONFIGURATION: ErrorCode = ErrorCode::new("SymSDK", "CONFIGURATION");
/// `SymSDK:INVALID_KEY`: a key-value path is invalid, or conflicts with an existing value or namespace.
pub const INVALID_KEY: ErrorCode = ErrorCode::new("SymSDK", "INVALID_KEY");
/// `SymSDK:INVALID_JSON`: a value cannot be represented as JSON, or JSON does not have the expected form.
pub const INVALID_JSON: ErrorCode = ErrorCode::new("SymSDK", "INVALID_JSON");
/// `AccessStrategy:REVOCATION_PUT_OFF`: a hook deferred a revocation.
pub const DEESCALATE_PUT_OFF: ErrorCode = ErrorCode::new("AccessStrategy", "REVOCATION_PUT_OFF");
/// `SymSDK:NOT_RECORDED`: the answer of a service to a recorded request is not on record.
pub const NOT_RECORDED: ErrorCode = ErrorCode::new("SymSDK", "NOT_RECORDED");
/// `AccessStrategy:GRANT_STOPPED`: a hook did not let approved access be granted.
pub const GRANT_STOPPED: ErrorCode = ErrorCode::new("AccessStrategy", "GRANT_STOPPED");
/// `SymSDK:TOO_FEW_APPROVERS`: a request needs more approvals than there are people who can approve it.
pub const TOO_FEW_APPROVERS: ErrorCode = ErrorCode::new("SymSDK", "TOO_FEW_APPROVERS");
/// `SymSDK:HOOK_OVERRULED`: a hook tried to hold up what it may not, or no longer.
pub const HOOK_OVERRULED: ErrorCode = ErrorCode::new("SymSDK", "HOOK_OVERRULED");
/// `AccessStrategy:REPORTED_ERRORS`: a strategy reported errors.
pub const STRATEGY_REPORTED_ERRORS: ErrorCode = ErrorCode::new("AccessStrategy", "REPORTED_ERRORS");
/// `AccessStrategy:STILL_LISTED`: the target still lists the identity after a revocation.
pub const ACCESS_STILL_LISTED: ErrorCode = ErrorCode::new("AccessStrategy", "STILL_LISTED");
/// `AccessStrategy:NOT_READ_BACK`: the target could not be read after a revocation.
pub const REVOCATION_NOT_READ_BACK: ErrorCode = ErrorCode::new("AccessStrategy", "NOT_READ_BACK");
/// `AccessStrategy:WRITTEN_OFF`: an admin wrote off a revocation that did not succeed.
pub const REVOCATION_WRITTEN_OFF: ErrorCode = ErrorCode::new("AccessStrategy", "WRITTEN_OFF");
/// `AccessStrategy:OTHER_LEVEL_ACTIVE`: another request gives the same resource at another level.
pub const OTHER_LEVEL_ACTIVE: ErrorCode = ErrorCode::new("AccessStrategy", "OTHER_LEVEL_ACTIVE");
/// `AccessStrategy:EXPIRED`: access expired before it could be granted.
pub const ACCESS_EXPIRED: ErrorCode = ErrorCode::new("AccessStrategy", "EXPIRED");
/// `SymSDK:TOO_MANY_REQUESTS`: a user makes requests too fast.
pub const TOO_MANY_REQUESTS: ErrorCode = ErrorCode::new("SymSDK", "TOO_MANY_REQUESTS");
/// `SymSDK:TOO_MANY_OPEN_REQUESTS`: too many requests of a user wait for a decision.
pub const TOO_MANY_OPEN_REQUESTS: ErrorCode = ErrorCode::new("SymSDK", "TOO_MANY_OPEN_REQUESTS");
/// `SymSDK:TOO_MANY_FORMS`: too many forms, or options of forms, are being prepared at the moment.
pub const TOO_MANY_FORMS: ErrorCode = ErrorCode::new("SymSDK", "TOO_MANY_FORMS");
/// `SymSDK:TOO_LARGE`: the data exceeds a size limit.
pub const TOO_LARGE: ErrorCode = ErrorCode::new("SymSDK", "TOO_LARGE");
/// `SymSDK:STORE`: the store failed.
pub const STORE: ErrorCode = ErrorCode::new("SymSDK", "STORE");
/// `SymSDK:STORE_NOT_WRITABLE`: the store cannot write, for example because the disk is full.
pub const STORE_NOT_WRITABLE: ErrorCode = ErrorCode::new("SymSDK", "STORE_NOT_WRITABLE");
/// `SymSDK:WORKERS`: workers stopped unexpectedly.
pub const WORKERS: ErrorCode = ErrorCode::new("SymSDK", "WORKERS");
/// `SymSDK:LISTEN`: the program cannot listen on a network address.
pub const LISTEN: ErrorCode = ErrorCode::new("SymSDK", "LISTEN");
/// `SymSDK:INVALID_CERTIFICATE`: a TLS certificate or its key cannot be used.
pub const INVALID_CERTIFICATE: ErrorCode = ErrorCode::new("SymSDK", "INVALID_CERTIFICATE");
/// `SymSDK:METRICS`: metrics cannot be exported.
pub const METRICS: ErrorCode = ErrorCode::new("SymSDK", "METRICS");
/// `SymSDK:UNKNOWN_SESSION`: there is no such session of an agent, or it has ended.
pub const UNKNOWN_SESSION: ErrorCode = ErrorCode::new("SymSDK", "UNKNOWN_SESSION");
/// `SymSDK:UNKNOWN_ROUTE`: the server has no such route.
pub const UNKNOWN_ROUTE: ErrorCode = ErrorCode::new("SymSDK", "UNKNOWN_ROUTE");
/// `SymSDK:METHOD_NOT_ALLOWED`: the route does not take this method.
pub const METHOD_NOT_ALLOWED: ErrorCode = ErrorCode::new("SymSDK", "METHOD_NOT_ALLOWED");
/// `SymSDK:UNSUPPORTED_MEDIA_TYPE`: the body is not of a type that the route takes.
pub const UNSUPPORTED_MEDIA_TYPE: ErrorCode = ErrorCode::new("SymSDK", "UNSUPPORTED_MEDIA_TYPE");
/// `SymSDK:HEADERS_TOO_LARGE`: the headers of a request exceed the limit.
pub const HEADERS_TOO_LARGE: ErrorCode = ErrorCode::new("SymSDK", "HEADERS_TOO_LARGE");
/// `SymSDK:INVALID_PARAMETER`: a parameter of the query string or a header is invalid.
pub const INVALID_PARAMETER: ErrorCode = ErrorCode::new("SymSDK", "INVALID_PARAMETER");
/// `SymSDK:REQUEST_TIMED_OUT`: answering took longer than the limit of requests.
pub const REQUEST_TIMED_OUT: ErrorCode = ErrorCode::new("SymSDK", "REQUEST_TIMED_OUT");
/// `SymSDK:TOO_MANY_CALLS`: a caller calls too fast.
pub const TOO_MANY_CALLS: ErrorCode = ErrorCode::new("SymSDK", "TOO_MANY_CALLS");
/// `SymSDK:TOO_MANY_STREAMS`: too many streams of changes are open.
pub const TOO_MANY_STREAMS: ErrorCode = ErrorCode::new("SymSDK", "TOO_MANY_STREAMS");
/// `SymSDK:SERVER_UNREACHABLE`: the server of the HTTP API cannot be reached, or something else answers in its place.
pub const SERVER_UNREACHABLE: ErrorCode = ErrorCode::new("SymSDK", "SERVER_UNREACHABLE");
/// `SymSDK:STOPPING`: the server is stopping.
pub const STOPPING: ErrorCode = ErrorCode::new("SymSDK", "STOPPING");
/// `SymSDK:INTERNAL`: a bug in this crate.
pub const INTERNAL: ErrorCode = ErrorCode::new("SymSDK", "INTERNAL");
/// `Authentication:MISSING_CREDENTIALS`: the call names nobody.
pub const AUTHENTICATION_MISSING: ErrorCode = ErrorCode::new("Authentication", "MISSING_CREDENTIALS");
/// `Authentication:AMBIGUOUS_CREDENTIALS`: the call authenticates in two ways.
pub const AUTHENTICATION_AMBIGUOUS: ErrorCode = ErrorCode::new("Authentication", "AMBIGUOUS_CREDENTIALS");
/// `SymSDK:AUDIT_LOG`: the audit log was modified, or cannot be read.
pub const AUDIT_LOG: ErrorCode = ErrorCode::new("SymSDK", "AUDIT_LOG");
/// `SymSDK:AUDIT_DESTINATION`: audit entries could not be delivered.
pub const AUDIT_DESTINATION: ErrorCode = ErrorCode::new("SymSDK", "AUDIT_DESTINATION");
/// `SymSDK:SCRIPTED_FAILURE`: a failure that a simulation was asked for.
pub const SCRIPTED_FAILURE: ErrorCode = ErrorCode::new("SymSDK", "SCRIPTED_FAILURE");
/// `SymSDK:SIMULATION_UNFINISHED`: work was still scheduled when a simulation ended.
pub const SIMULATION_UNFINISHED: ErrorCode = ErrorCode::new("SymSDK", "SIMULATION_UNFINISHED");
/// `Authentication:UNTRUSTED_WORKLOAD`: no trust admits the job that the token is of.
pub const AUTHENTICATION_UNTRUSTED_WORKLOAD: ErrorCode = ErrorCode::new("Authentication", "UNTRUSTED_WORKLOAD");
/// `Authentication:TOKEN_ALREADY_USED`: the token of a job was exchanged before.
pub const AUTHENTICATION_TOKEN_USED: ErrorCode = ErrorCode::new("Authentication", "TOKEN_ALREADY_USED");
/// `SymSDK:INVALID_TRUST`: the trust admits too much, or is malformed.
pub const INVALID_TRUST: ErrorCode = ErrorCode::new("SymSDK", "INVALID_TRUST");
/// `SymSDK:UNKNOWN_TRUST`: there is no such trust.
pub const UNKNOWN_TRUST: ErrorCode = ErrorCode::new("SymSDK", "UNKNOWN_TRUST");
/// `Authentication:SIGN_IN_REFUSED`: the person cannot sign in, or in this way.
pub const AUTHENTICATION_SIGN_IN_REFUSED: ErrorCode = ErrorCode::new("Authentication", "SIGN_IN_REFUSED");
/// `Authentication:SIGN_IN_EXPIRED`: the sign-in was not begun in this browser, was finished before, or took too long.
pub const AUTHENTICATION_SIGN_IN_EXPIRED: ErrorCode = ErrorCode::new("Authentication", "SIGN_IN_EXPIRED");
/// `Authentication:SESSION_ENDED`: the session has ended, or never existed.
pub const AUTHENTICATION_SESSION_ENDED: ErrorCode = ErrorCode::new("Authentication", "SESSION_ENDED");
