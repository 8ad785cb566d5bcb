//! The small table of static documents that a WebSocket listener answers GET requests with.

use crate::error::{Error, Result, Status};

/// Documents of one interface.
pub const DOCUMENTS_MAX: usize = 64;
/// Bytes of the largest document.
pub const DOCUMENT_SIZE_MAX: usize = 16 << 20;

struct Document {
    path: String,
    content_type: String,
    body: Vec<u8>,
}

/// The table.
#[derive(Default)]
pub struct Documents {
    list: Vec<Document>,
}

impl Documents {
    /// Adds or replaces a document.
    pub fn set(&mut self, path: &str, content_type: &str, body: &[u8]) -> Result<()> {
        let printable = path.bytes().all(|byte| byte.is_ascii_graphic());
        if !path.starts_with('/') || path.contains('?') || !printable {
            return Err(Error::argument(format!(
                "path {path:?} must start with '/', be printable ASCII, and have no query"
            )));
        }
        if content_type.is_empty() || content_type.bytes().any(|byte| !(32..127).contains(&byte)) {
            return Err(Error::argument(
                "content_type must be printable ASCII, such as \"text/html; charset=utf-8\"",
            ));
        }
        if body.len() > DOCUMENT_SIZE_MAX {
            return Err(Error::argument(format!(
                "the document has {} bytes; at most {DOCUMENT_SIZE_MAX} are served",
                body.len()
            )));
        }
        let document = Document {
            path: path.to_owned(),
            content_type: content_type.to_owned(),
            body: body.to_vec(),
        };
        if let Some(old) = self.list.iter_mut().find(|old| old.path == path) {
            *old = document;
        } else if self.list.len() < DOCUMENTS_MAX {
            self.list.push(document);
        } else {
            return Err(Error::new(
                Status::LimitReached,
                format!("{DOCUMENTS_MAX} documents are served already; remove one first"),
            ));
        }
        Ok(())
    }

    /// Removes a document.
    pub fn remove(&mut self, path: &str) -> Result<()> {
        let before = self.list.len();
        self.list.retain(|document| document.path != path);
        if self.list.len() == before {
            return Err(Error::new(Status::NotFound, format!("no document at {path:?}")));
        }
        Ok(())
    }

    /// Content type and body of the document at a path.
    pub fn get(&self, path: &str) -> Option<(&str, &[u8])> {
        let document = self.list.iter().find(|document| document.path == path)?;
        Some((&document.content_type, &document.body))
    }
}
