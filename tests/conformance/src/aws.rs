use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};
use sym_integrations::aws::{AssumeRole, Credentials, PermissionContext, Region, SecretsManager};
use sym_integrations::aws_lambda::AwsLambda;
use sym_integrations::http::BaseUrl;
use sym_sdk::model::{Secret, SecretSource, Slug};
use sym_sdk::runtime::SecretReader;

use crate::request::{Fault, Request};

#[derive(Deserialize)]
#[serde(tag = "call", content = "arguments", rename_all = "snake_case", deny_unknown_fields)]
enum Function {
    Invoke { arn: String, payload: Value },
    InvokeAsync { arn: String, payload: Value },
    GetSecret { secret_id: String },
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
    })
}

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
