use std::sync::Arc;

use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};
use sym_integrations::aws::{AssumeRole, Credentials, PermissionContext, Region, SecretsManager};
use sym_integrations::aws_iam::AwsIam;
use sym_integrations::aws_kinesis::StreamKind;
use sym_integrations::aws_lambda::AwsLambda;
use sym_integrations::aws_sso::{AwsSso, AwsSsoStrategy};
use sym_integrations::http::BaseUrl;
use sym_sdk::model::{AccessTarget, Event, Flow, Secret, SecretSource, Slug, Step, User};
use sym_sdk::runtime::SecretReader;
use sym_sdk::strategy::{AccessRequest, AccessStrategy};

use crate::kinesis;
use crate::request::{Fault, Request};

#[derive(Deserialize)]
#[serde(tag = "call", content = "arguments", rename_all = "snake_case", deny_unknown_fields)]
enum Function {
    Invoke { arn: String, payload: Value },
    InvokeAsync { arn: String, payload: Value },
    GetSecret { secret_id: String },
    IamUser { user: String },
    IamGroups { user: String },
    IamMembers { group: String },
    IamAdd { group: String, user: String },
    IamRemove { group: String, user: String },
    SsoUser { email: String },
    SsoGroup { name: String },
    SsoGroups {},
    SsoMembers { group_id: String },
    SsoAdd { group_id: String, user_id: String },
    SsoRemove { group_id: String, user_id: String },
    SsoIsMember { group_id: String, user_id: String },
    SsoAccounts { parent: Option<String> },
    SsoPermissionSets {},
    SsoGrant { permission_set: String, account_id: String, user_id: String },
    SsoRevoke { permission_set: String, account_id: String, user_id: String },
    SsoAssigned { permission_set: String, account_id: String },
    PutLines { kind: Stream, stream: String },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stream {
    Firehose,
    DataStream,
}

impl From<Stream> for StreamKind {
    fn from(stream: Stream) -> Self {
        match stream {
            Stream::Firehose => Self::Firehose,
            Stream::DataStream => Self::DataStream,
        }
    }
}

pub(crate) async fn call(request: &Request) -> Result<Value, Fault> {
    let context = context(request)?;
    Ok(match request.call()? {
        Function::Invoke { arn, payload } => AwsLambda::new(context).invoke(arn, &payload).await?,
        Function::InvokeAsync { arn, payload } => json!(AwsLambda::new(context).invoke_async(arn, &payload).await?),
        Function::GetSecret { secret_id } => {
            let source = SecretSource::AwsSecretsManager { context: Some("main".to_owned()) };
            let secret = Secret::new(Slug::parse("secret")?, source, secret_id);
            let value = SecretsManager::new().context("main", context).read(&secret).await?;
            json!(value.expose_secret())
        }
        Function::IamUser { user } => json!(iam(request, &context)?.get_user(&user).await?.arn),
        Function::IamGroups { user } => {
            let groups = iam(request, &context)?.list_user_groups(&user)?.await?;
            groups.iter().map(|group| group.group_name.as_str()).collect()
        }
        Function::IamMembers { group } => {
            let users = iam(request, &context)?.list_group_users(&group).await?;
            users.iter().map(|user| user.user_name.as_str()).collect()
        }
        Function::IamAdd { group, user } => json!(iam(request, &context)?.add_user_to_group(&group, &user).await?),
        Function::IamRemove { group, user } => {
            json!(iam(request, &context)?.remove_user_from_group(&group, &user).await?)
        }
        Function::SsoUser { email } => {
            json!(sso(request, &context)?.find_user_by_email(&email).await?.map(|user| user.user_id.clone()))
        }
        Function::SsoGroup { name } => json!(sso(request, &context)?.group_id(&name).await?),
        Function::SsoGroups {} => {
            let groups = sso(request, &context)?.list_groups().await?;
            groups.iter().map(|group| group.name()).collect()
        }
        Function::SsoMembers { group_id } => json!(sso(request, &context)?.list_group_members(&group_id).await?),
        Function::SsoAdd { group_id, user_id } => {
            json!(sso(request, &context)?.add_group_member(&group_id, &user_id).await?)
        }
        Function::SsoRemove { group_id, user_id } => {
            json!(sso(request, &context)?.remove_group_member(&group_id, &user_id).await?)
        }
        Function::SsoIsMember { group_id, user_id } => {
            json!(sso(request, &context)?.is_group_member(&group_id, &user_id).await?)
        }
        Function::SsoAccounts { parent } => {
            let accounts = sso(request, &context)?.list_accounts(parent.as_deref()).await?;
            accounts.iter().map(|account| account.name()).collect()
        }
        Function::SsoPermissionSets {} => {
            let sets = sso(request, &context)?.list_permission_sets().await?;
            sets.iter().map(|set| set.name()).collect()
        }
        Function::SsoGrant { permission_set, account_id, user_id } => {
            let change = Change::of(&permission_set, &account_id)?;
            let granted = AwsSsoStrategy::new(sso(request, &context)?).escalate(&change.request(&user_id)?).await?;
            json!(granted.errors())
        }
        Function::SsoRevoke { permission_set, account_id, user_id } => {
            let change = Change::of(&permission_set, &account_id)?;
            AwsSsoStrategy::new(sso(request, &context)?).deescalate(&change.request(&user_id)?).await?;
            json!([])
        }
        Function::SsoAssigned { permission_set, account_id } => {
            let change = Change::of(&permission_set, &account_id)?;
            json!(AwsSsoStrategy::new(sso(request, &context)?).list_current(&change.target).await?)
        }
        Function::PutLines { kind, stream } => kinesis::put_lines(&context, kind.into(), &stream).await?,
    })
}

fn iam(request: &Request, context: &PermissionContext) -> Result<AwsIam, Fault> {
    Ok(AwsIam::builder(context, request.setting("account_id")?)?.build()?)
}

fn sso(request: &Request, context: &PermissionContext) -> Result<AwsSso, Fault> {
    Ok(AwsSso::builder(context, request.setting("instance_arn")?).build()?)
}

/// The target of a grant or a revocation, with an event that carries it.
struct Change {
    target: AccessTarget,
    event: Event,
}

impl Change {
    fn of(permission_set: &str, account_id: &str) -> Result<Self, Fault> {
        let target = AccessTarget::new("acme", "aws_sso_permission_set", Slug::parse("set")?)
            .with_setting("permission_set_arn", permission_set)
            .with_setting("account_id", account_id);
        let flow = Arc::new(Flow::builder(Slug::parse("prod")?, "acme").build());
        let ana = User::from_email("ana@example.com")?;
        Ok(Self { event: Event::builder(flow, Step::Escalate, ana).target(target.clone()).build(), target })
    }

    fn request<'a>(&'a self, user_id: &'a str) -> Result<AccessRequest<'a>, Fault> {
        Ok(AccessRequest::new(&self.event, &self.target, user_id, KEY.parse()?))
    }
}

const KEY: &str = "0190f5a4-0000-7000-8000-000000000000:7";

fn context(request: &Request) -> Result<PermissionContext, Fault> {
    let keys = Credentials::new(request.setting("access_key_id")?, request.setting("secret_access_key")?.into());
    let mut builder = PermissionContext::builder(Region::parse(request.setting("region")?)?)
        .credentials(keys)
        .base_url(BaseUrl::parse(&request.base_url)?);
    if let Some(arn) = request.known_setting("role_arn") {
        let mut role = AssumeRole::new(arn)?.session_name("conformance");
        if let Some(id) = request.known_setting("external_id") {
            role = role.external_id(id);
        }
        builder = builder.role(role);
    }
    Ok(builder.build()?)
}
