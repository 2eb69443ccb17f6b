//! Sym Resource Names.

use std::cmp::Ordering;
use std::fmt::{self, Write as _};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use super::slug::{problem, push_lossy};
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
#[derive(Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Srn {
    /// All parts as text: an SRN is written far more often than it is taken apart.
    text: Arc<str>,
    /// The ends of the parts in the text. Without a type, its end is that of the model.
    ends: Ends,
    version: SrnVersion,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Ends {
    organization: usize,
    model: usize,
    kind: usize,
    slug: usize,
    version: usize,
}

/// The parts of an SRN, from which its text is written.
#[derive(Clone, Copy)]
struct Parts<'a> {
    organization: &'a str,
    model: &'a str,
    kind: Option<&'a str>,
    slug: &'a str,
    version: SrnVersion,
    identifier: Option<&'a dyn fmt::Display>,
}

impl Parts<'_> {
    /// Writes the text. `push` appends the parts that are names.
    fn build(self, push: impl Fn(&mut String, &str)) -> Srn {
        // Longer than most.
        const CAPACITY: usize = 128;
        let Self { organization, model, kind, slug, version, identifier } = self;
        let mut text = String::with_capacity(CAPACITY);
        push(&mut text, organization);
        let organization = text.len();
        let part = |text: &mut String, part: &str| {
            text.push(':');
            push(text, part);
            text.len()
        };
        let model = part(&mut text, model);
        let kind = kind.map_or(model, |kind| part(&mut text, kind));
        let slug = part(&mut text, slug);
        // Writing into a string does not fail.
        let _ = write!(text, ":{version}");
        let ends = Ends { organization, model, kind, slug, version: text.len() };
        if let Some(identifier) = identifier {
            let _ = write!(text, ":{identifier}");
        }
        Srn { text: text.into(), ends, version }
    }
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
        let version = SrnVersion::Latest;
        Parts { organization, model, kind, slug, version, identifier: None }.checked(true)
    }

    /// Creates an SRN from parts that are known to be valid. Characters that are not allowed are replaced by dashes.
    pub(crate) fn from_slugs(organization: &str, model: &'static str, kind: Option<&str>, slug: &str) -> Self {
        Self::from_slugs_with(organization, model, kind, slug, SrnVersion::Latest, None)
    }

    /// Like [`Srn::from_slugs`], with a version and an identifier.
    pub(crate) fn from_slugs_with(
        organization: &str,
        model: &'static str,
        kind: Option<&str>,
        slug: &str,
        version: SrnVersion,
        identifier: Option<&dyn fmt::Display>,
    ) -> Self {
        Parts { organization, model, kind, slug, version, identifier }.build(push_lossy)
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
        let mut next = || rest.next().unwrap_or_default();
        let (organization, model) = (next(), next());
        let kind = typed_form.then(&mut next);
        let (slug, version) = (next(), next());
        let identifier = rest.next();
        let parsed = parse_version(version);
        let identifier = identifier.as_ref().map(|identifier| identifier as &dyn fmt::Display);
        let parts = Parts { organization, model, kind, slug, version: parsed.unwrap_or_default(), identifier };
        let srn = parts.build(String::push_str);
        let mut problems = parts.problems(!lenient);
        if parsed.is_none() {
            problems.push(bad_version(version));
        }
        finish(text, srn, problems)
    }

    fn part(&self, from: usize, to: usize) -> &str {
        self.text.get(from..to).unwrap_or_default()
    }

    /// Returns the part that ends at `to` and follows the one that ends at `from`.
    fn part_after(&self, from: usize, to: usize) -> &str {
        self.part(from + 1, to)
    }

    fn parts(&self) -> Parts<'_> {
        Parts {
            organization: self.organization(),
            model: self.model(),
            kind: self.kind(),
            slug: self.slug(),
            version: self.version,
            identifier: None,
        }
    }

    /// The organization.
    pub fn organization(&self) -> &str {
        self.part(0, self.ends.organization)
    }

    /// The model, such as `flow`.
    pub fn model(&self) -> &str {
        self.part_after(self.ends.organization, self.ends.model)
    }

    /// The type, for models that include one.
    pub fn kind(&self) -> Option<&str> {
        (self.ends.kind > self.ends.model).then(|| self.part_after(self.ends.model, self.ends.kind))
    }

    /// The slug.
    pub fn slug(&self) -> &str {
        self.part_after(self.ends.kind, self.ends.slug)
    }

    /// The version.
    pub fn version(&self) -> &SrnVersion {
        &self.version
    }

    /// The identifier: the part after the version.
    pub fn identifier(&self) -> Option<&str> {
        (self.text.len() > self.ends.version).then(|| self.part_after(self.ends.version, self.text.len()))
    }

    /// Sets the version.
    pub fn with_version(self, version: SrnVersion) -> Self {
        let identifier = self.identifier();
        let identifier = identifier.as_ref().map(|identifier| identifier as &dyn fmt::Display);
        Parts { version, identifier, ..self.parts() }.build(String::push_str)
    }

    /// Sets the slug.
    pub fn with_slug(self, slug: &str) -> Result<Self> {
        self.with(|parts| Parts { slug, ..parts }, false)
    }

    /// Sets the organization.
    pub fn with_organization(self, organization: &str) -> Result<Self> {
        self.with(|parts| Parts { organization, ..parts }, false)
    }

    /// Sets the model, and the type for models that include one.
    pub fn with_model(self, model: &str, kind: Option<&str>) -> Result<Self> {
        self.with(|parts| Parts { model, kind, ..parts }, true)
    }

    /// Sets the identifier.
    pub fn with_identifier(self, identifier: &str) -> Result<Self> {
        Parts { identifier: Some(&identifier), ..self.parts() }.checked(false)
    }

    fn with<'a>(&'a self, change: impl FnOnce(Parts<'a>) -> Parts<'a>, strict: bool) -> Result<Self> {
        let identifier = self.identifier();
        let identifier = identifier.as_ref().map(|identifier| identifier as &dyn fmt::Display);
        Parts { identifier, ..change(self.parts()) }.checked(strict)
    }

    /// Whether `other` refers to this SRN. It may omit the type and the identifier, and its version is ignored.
    pub(crate) fn is_named_by(&self, other: &Self) -> bool {
        let matches = |own: Option<&str>, other: Option<&str>| other.is_none() || own == other;
        (self.organization(), self.model(), self.slug()) == (other.organization(), other.model(), other.slug())
            && matches(self.kind(), other.kind())
            && matches(self.identifier(), other.identifier())
    }
}

impl Parts<'_> {
    fn checked(self, strict: bool) -> Result<Srn> {
        let identifier = self.identifier.map(|identifier| identifier.to_string().to_ascii_lowercase());
        let identifier = identifier.as_ref().map(|identifier| identifier as &dyn fmt::Display);
        let srn = Parts { identifier, ..self }.build(push_lower);
        let problems = Parts { identifier, ..self }.problems(strict);
        finish(&srn.text.clone(), srn, problems)
    }

    fn problems(&self, strict: bool) -> Vec<String> {
        let identifier = self.identifier.map(ToString::to_string);
        let parts = [
            ("organization", Some(self.organization)),
            ("model", Some(self.model)),
            ("type", self.kind),
            ("slug", Some(self.slug)),
            ("identifier", identifier.as_deref()),
        ];
        let parts = parts.into_iter().filter_map(|(name, part)| Some((name, part?.to_ascii_lowercase())));
        let mut problems: Vec<String> = parts
            .filter_map(|(name, part)| Some(format!("the {name} `{part}` is invalid: {}", problem(&part)?)))
            .collect();
        let model = self.model.to_ascii_lowercase();
        let typed = TYPED_MODELS.contains(&&*model);
        if typed && self.kind.is_none() && strict {
            problems.push(format!("the model `{model}` requires a type"));
        } else if !typed && self.kind.is_some() {
            problems.push(format!("the model `{model}` has no type"));
        }
        problems
    }
}

fn push_lower(text: &mut String, part: &str) {
    text.extend(part.chars().map(|c| c.to_ascii_lowercase()));
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
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Srn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Srn").field(&self.text).finish()
    }
}

impl Ord for Srn {
    /// Compares part by part: with the text, dashes would come before the colons between the parts.
    fn cmp(&self, other: &Self) -> Ordering {
        (self.organization(), self.model(), self.kind(), self.slug())
            .cmp(&(other.organization(), other.model(), other.kind(), other.slug()))
            .then_with(|| self.version.cmp(&other.version))
            .then_with(|| self.identifier().cmp(&other.identifier()))
    }
}

impl PartialOrd for Srn {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Serialize for Srn {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
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
