//! Sym Resource Names.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use super::Slug;
use super::slug::problem;
use crate::error::{Error, Result, codes};

/// The models whose SRNs include a type.
const TYPED_MODELS: [&str; 7] =
    ["access_strategy", "access_target", "user", "secret", "secrets", "integration", "log_destination"];

/// A Sym Resource Name: `org:model[:type]:slug:version[:identifier]`. Cheap to clone.
///
/// Some models include a type: `access_strategy`, `access_target`, `user`, `secret`, `secrets`, `integration` and
/// `log_destination`. An SRN is stored in lower case, and comparison with text ignores case.
///
/// ```
/// use sym_sdk::model::Srn;
///
/// let srn: Srn = "acme:integration:slack:main:latest".parse()?;
/// assert_eq!((srn.model(), srn.kind(), srn.slug()), ("integration", Some("slack"), "main"));
/// assert_eq!(srn, "ACME:integration:slack:main:latest");
/// # Ok::<(), sym_sdk::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Srn {
    organization: Arc<str>,
    model: Arc<str>,
    kind: Option<Arc<str>>,
    slug: Arc<str>,
    version: SrnVersion,
    identifier: Option<Arc<str>>,
}

/// The version in an [`Srn`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SrnVersion {
    /// Three numbers of at most three digits.
    Numbered(u16, u16, u16),
    /// The current version.
    #[default]
    Latest,
}

impl fmt::Display for SrnVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Numbered(major, minor, patch) => write!(f, "{major}.{minor}.{patch}"),
            Self::Latest => f.write_str("latest"),
        }
    }
}

impl FromStr for SrnVersion {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        parse_version(&text.to_ascii_lowercase()).ok_or_else(|| Error::invalid(codes::INVALID_SRN, bad_version(text)))
    }
}

fn parse_version(text: &str) -> Option<SrnVersion> {
    if text == "latest" {
        return Some(SrnVersion::Latest);
    }
    let mut numbers = text.split('.').map(|part| {
        let digits = (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        if digits { part.parse::<u16>().ok() } else { None }
    });
    let version = SrnVersion::Numbered(numbers.next()??, numbers.next()??, numbers.next()??);
    numbers.next().is_none().then_some(version)
}

fn bad_version(text: &str) -> String {
    format!("`{text}` is not a version: expected `latest` or three numbers of at most three digits, such as `1.0.0`")
}

impl Srn {
    /// Creates an SRN with version `latest` from its parts. `kind` is the type, for models that include one.
    pub fn new(organization: &str, model: &str, kind: Option<&str>, slug: &str) -> Result<Self> {
        let (organization, model, slug) = (lower(organization), lower(model), lower(slug));
        let kind = kind.map(lower);
        let srn = Self { organization, model, kind, slug, version: SrnVersion::Latest, identifier: None };
        srn.checked(true)
    }

    /// Creates an SRN from parts that are known to be valid.
    pub(crate) fn from_slugs(organization: &Slug, model: &'static str, kind: Option<&str>, slug: &str) -> Self {
        Self {
            organization: organization.as_str().into(),
            model: model.into(),
            kind: kind.map(|kind| Slug::lossy(kind).as_str().into()),
            slug: Slug::lossy(slug).as_str().into(),
            version: SrnVersion::Latest,
            identifier: None,
        }
    }

    /// Parses an SRN. An error reports all problems at once.
    pub fn parse(text: &str) -> Result<Self> {
        Self::parse_with(text, false)
    }

    /// Parses an SRN from an old log, in which users and targets may lack their type.
    pub fn parse_lenient(text: &str) -> Result<Self> {
        Self::parse_with(text, true)
    }

    fn parse_with(text: &str, lenient: bool) -> Result<Self> {
        let invalid =
            |problem: String| Error::invalid(codes::INVALID_SRN, format!("`{text}` is not an SRN: {problem}"));
        let text_lower = text.to_ascii_lowercase();
        if text_lower.ends_with(':') {
            return Err(invalid("it ends with a colon".to_owned()));
        }
        let parts: Vec<&str> = text_lower.split(':').collect();
        let typed = parts.get(1).is_some_and(|model| TYPED_MODELS.contains(model));
        let is_version = |index: usize| parts.get(index).is_some_and(|part| parse_version(part).is_some());
        let typed_form = typed && !(lenient && is_version(3) && !is_version(4));
        let (least, form) = if typed_form {
            (5, "org:model:type:slug:version[:identifier]")
        } else {
            (4, "org:model:slug:version[:identifier]")
        };
        if parts.len() < least || parts.len() > least + 1 {
            let problem = match parts.len() {
                1 => "it has 1 part".to_owned(),
                number => format!("it has {number} parts"),
            };
            return Err(invalid(problem).with_hint(format!("expected `{form}`")));
        }
        let mut rest = parts.into_iter();
        let mut next = || Arc::from(rest.next().unwrap_or_default());
        let (organization, model) = (next(), next());
        let kind = typed_form.then(&mut next);
        let (slug, version) = (next(), next());
        let identifier = rest.next().map(Arc::from);
        let parsed = parse_version(&version);
        let srn = Self { organization, model, kind, slug, version: parsed.unwrap_or_default(), identifier };
        let mut problems = srn.problems(!lenient);
        if parsed.is_none() {
            problems.push(bad_version(&version));
        }
        finish(text, srn, problems)
    }

    /// The organization.
    pub fn organization(&self) -> &str {
        &self.organization
    }

    /// The model, such as `flow`.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The type, for models that include one.
    pub fn kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }

    /// The slug.
    pub fn slug(&self) -> &str {
        &self.slug
    }

    /// The version.
    pub fn version(&self) -> &SrnVersion {
        &self.version
    }

    /// The identifier: the part after the version.
    pub fn identifier(&self) -> Option<&str> {
        self.identifier.as_deref()
    }

    /// Sets the version.
    pub fn with_version(mut self, version: SrnVersion) -> Self {
        self.version = version;
        self
    }

    /// Sets the slug.
    pub fn with_slug(mut self, slug: &str) -> Result<Self> {
        self.slug = lower(slug);
        self.checked(false)
    }

    /// Sets the organization.
    pub fn with_organization(mut self, organization: &str) -> Result<Self> {
        self.organization = lower(organization);
        self.checked(false)
    }

    /// Sets the model, and the type for models that include one.
    pub fn with_model(mut self, model: &str, kind: Option<&str>) -> Result<Self> {
        self.model = lower(model);
        self.kind = kind.map(lower);
        self.checked(true)
    }

    /// Sets the identifier.
    pub fn with_identifier(mut self, identifier: &str) -> Result<Self> {
        self.identifier = Some(lower(identifier));
        self.checked(false)
    }

    pub(crate) fn identified_by(mut self, id: impl std::fmt::Display) -> Self {
        self.identifier = Some(id.to_string().into());
        self
    }

    /// Whether `other` refers to this SRN. It may omit the type and the identifier, and its version is ignored.
    pub(crate) fn is_named_by(&self, other: &Self) -> bool {
        let matches = |own: &Option<Arc<str>>, other: &Option<Arc<str>>| other.is_none() || own == other;
        (&self.organization, &self.model, &self.slug) == (&other.organization, &other.model, &other.slug)
            && matches(&self.kind, &other.kind)
            && matches(&self.identifier, &other.identifier)
    }

    fn checked(self, strict: bool) -> Result<Self> {
        let problems = self.problems(strict);
        let text = self.to_string();
        finish(&text, self, problems)
    }

    fn problems(&self, strict: bool) -> Vec<String> {
        let parts = [
            ("organization", Some(&self.organization)),
            ("model", Some(&self.model)),
            ("type", self.kind.as_ref()),
            ("slug", Some(&self.slug)),
            ("identifier", self.identifier.as_ref()),
        ];
        let mut problems: Vec<String> = parts
            .into_iter()
            .filter_map(|(name, part)| Some((name, part?)))
            .filter_map(|(name, part)| Some(format!("the {name} `{part}` is invalid: {}", problem(part)?)))
            .collect();
        let typed = TYPED_MODELS.contains(&&*self.model);
        if typed && self.kind.is_none() && strict {
            problems.push(format!("the model `{}` requires a type", self.model));
        } else if !typed && self.kind.is_some() {
            problems.push(format!("the model `{}` has no type", self.model));
        }
        problems
    }
}

fn lower(part: &str) -> Arc<str> {
    part.to_ascii_lowercase().into()
}

/// Returns the SRN, or an error. A single problem is the message; several are listed in the hint.
fn finish(text: &str, srn: Srn, problems: Vec<String>) -> Result<Srn> {
    let invalid = |problem: &str| Error::invalid(codes::INVALID_SRN, format!("`{text}` is not an SRN: {problem}"));
    match problems.as_slice() {
        [] => Ok(srn),
        [problem] => Err(invalid(problem)),
        problems => Err(invalid(&format!("it has {} problems", problems.len())).with_hint(problems.join("; "))),
    }
}

impl fmt::Display for Srn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.organization, self.model)?;
        if let Some(kind) = &self.kind {
            write!(f, ":{kind}")?;
        }
        write!(f, ":{}:{}", self.slug, self.version)?;
        if let Some(identifier) = &self.identifier {
            write!(f, ":{identifier}")?;
        }
        Ok(())
    }
}

impl Serialize for Srn {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for Srn {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for Srn {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

/// Parses leniently, because SRNs of old logs are stored too.
impl TryFrom<String> for Srn {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::parse_lenient(&text)
    }
}

impl From<Srn> for String {
    fn from(srn: Srn) -> Self {
        srn.to_string()
    }
}

impl PartialEq<str> for Srn {
    fn eq(&self, other: &str) -> bool {
        Self::parse_lenient(other).is_ok_and(|other| *self == other)
    }
}

impl PartialEq<&str> for Srn {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}
