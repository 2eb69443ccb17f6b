//! Conformance of key-value stores.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{DirectoryStores, error_code};
use crate::directory::KeyPath;
use crate::error::{Result, codes};

pub(super) async fn returns_stored_values(open: impl AsyncFn() -> DirectoryStores) -> Result<()> {
    let values = [
        ("null", Value::Null),
        ("bool", json!(true)),
        ("number", json!(18_446_744_073_709_551_615_u64)),
        ("text", json!("a \u{0} b \u{1f600}")),
        ("on_call.primary", json!({ "name": "ana", "since": [1, 2.5, -3] })),
        ("on_call.Primary", json!("case counts")),
    ];
    {
        let (_, store) = open().await.at(0);
        for (path, value) in &values {
            assert_eq!(store.fetch(path).await?, None);
            store.put(path, "at first").await?;
            store.put(path, value).await?;
        }
    }
    let (_, store) = open().await.at(0);
    for (path, value) in values {
        assert_eq!(store.fetch(path).await?, Some(value), "{path}");
        assert!(store.delete(path).await?, "{path} was there");
        assert!(!store.delete(path).await?, "{path} is gone");
        assert_eq!(store.fetch(path).await?, None);
    }
    assert!(store.paths().await?.is_empty());
    Ok(())
}

pub(super) async fn rejects_paths_through_values(stores: &DirectoryStores) -> Result<()> {
    let (_, store) = stores.at(0);
    store.put("a.b", 1).await?;
    for path in ["a", "a.b.c", "a.b.c.d"] {
        assert_eq!(error_code(store.put(path, 2).await), codes::INVALID_KEY, "{path}");
        assert_eq!(error_code(store.fetch(path).await), codes::INVALID_KEY, "{path}");
        assert_eq!(error_code(store.delete(path).await), codes::INVALID_KEY, "{path}");
    }
    for path in ["a.b", "a.b.c"] {
        assert_eq!(error_code(store.paths_in(path).await), codes::INVALID_KEY, "{path}");
    }
    assert_eq!(store.fetch("a.b").await?, Some(json!(1)), "nothing was changed");
    // A namespace exists as long as it contains a value.
    store.delete("a.b").await?;
    store.put("a", 3).await?;
    store.delete("a").await?;
    store.put("a.b.c", 4).await
}

pub(super) async fn lists_by_namespace(stores: &DirectoryStores) -> Result<()> {
    let (_, store) = stores.at(0);
    // Characters that sort next to the dot, and characters of SQL patterns.
    let paths = ["a!", "a-b", "a.b", "a.b2.c", "a.b2.d", "a/b", "a0", "aa.b", "a_.x", "a%.x", "A.b", "\u{e4}.b"];
    for path in paths {
        store.put(path, path).await?;
    }
    let listed = async |namespace| -> Result<Vec<String>> {
        Ok(store.paths_in(namespace).await?.iter().map(KeyPath::to_string).collect())
    };
    assert_eq!(listed("a").await?, ["a.b", "a.b2.c", "a.b2.d"], "including nested namespaces");
    assert_eq!(listed("a.b2").await?, ["a.b2.c", "a.b2.d"]);
    assert_eq!(listed("a_").await?, ["a_.x"], "names are not patterns");
    assert!(listed("a.c").await?.is_empty(), "the namespace does not exist");
    let mut all = paths.map(str::to_owned);
    all.sort_unstable();
    assert_eq!(store.paths().await?.iter().map(KeyPath::to_string).collect::<Vec<_>>(), all);
    Ok(())
}

pub(super) async fn concurrent_puts_are_atomic(stores: &DirectoryStores) -> Result<()> {
    let (_, store) = stores.at(0);
    let texts: Vec<String> = (0..20).map(|number| number.to_string().repeat(1_000)).collect();
    for put in join_all(texts.iter().map(|text| store.put("a.b", text))).await {
        put?;
    }
    let kept = store.fetch("a.b").await?.expect("one of the values");
    assert!(texts.iter().any(|text| kept == **text), "one of the values, whole");

    let puts = join_all(["x", "x.y", "x.y.z"].map(|path| store.put(path, 1))).await;
    assert_eq!(puts.iter().filter(|put| put.is_ok()).count(), 1, "one of the conflicting puts succeeds: {puts:?}");
    Ok(())
}
