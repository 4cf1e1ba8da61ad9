//! The origin's private file system, where large files outlive the page. Reading goes through
//! snapshots (`getFile`), so that any number of tabs read one file at once; only the one that
//! writes takes the exclusive handle, in a worker.

use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    Blob, FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetFileOptions,
    FileSystemReadWriteOptions, FileSystemSyncAccessHandle, StorageManager,
};

use super::{navigator, property, thrown};

/// Bytes copied at a time.
const CHUNK: usize = 4 << 20;

/// A folder in the browser's storage.
pub struct Store {
    folder: FileSystemDirectoryHandle,
}

/// The storage refused, in the browser's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(pub String);

impl From<JsValue> for Refused {
    fn from(value: JsValue) -> Self {
        Self(thrown(&value))
    }
}

impl Store {
    /// Opens the folder of this origin.
    ///
    /// # Errors
    /// No storage here (private window, insecure origin, old browser).
    pub async fn open() -> Result<Self, Refused> {
        let manager = property(&navigator(), "storage");
        if !property(&manager, "getDirectory").is_function() {
            return Err(Refused("this browser offers no file storage here".into()));
        }
        let manager: StorageManager = manager.unchecked_into();
        let folder: JsValue = manager.get_directory().await?;
        Ok(Self {
            folder: folder.unchecked_into(),
        })
    }

    /// Bytes that may still be stored, where the browser tells.
    pub async fn space_left(&self) -> Option<u64> {
        let manager: StorageManager = property(&navigator(), "storage").unchecked_into();
        let estimate: JsValue = manager.estimate().ok()?.await.ok()?;
        let quota = property(&estimate, "quota").as_f64()?;
        let usage = property(&estimate, "usage").as_f64()?;
        Some((quota - usage).max(0.0) as u64)
    }

    /// Size of a file, if there is one.
    pub async fn size(&self, name: &str) -> Option<u64> {
        let blob = self.blob(name).await.ok()?;
        Some(blob.size() as u64)
    }

    /// Hands a file's bytes to `sink`, piece by piece.
    ///
    /// # Errors
    /// No such file, or the browser cannot read it.
    pub async fn read(&self, name: &str, mut sink: impl FnMut(&[u8])) -> Result<(), Refused> {
        let blob = self.blob(name).await?;
        let size = blob.size();
        let mut at = 0.0;
        while at < size {
            let end = (at + CHUNK as f64).min(size);
            let piece = blob.slice_with_f64_and_f64(at, end)?;
            let buffer: JsValue = piece.array_buffer().await?;
            sink(&Uint8Array::new(&buffer).to_vec());
            at = end;
        }
        Ok(())
    }

    /// Opens a file to write from byte `at` on; what stood behind it is cut off.
    ///
    /// # Errors
    /// Another tab writes the file, or there is no space.
    pub async fn write_from(&self, name: &str, at: u64) -> Result<Writer, Refused> {
        let options = FileSystemGetFileOptions::new();
        options.set_create(true);
        let file: JsValue = self
            .folder
            .get_file_handle_with_options(name, &options)
            .await?;
        let file: FileSystemFileHandle = file.unchecked_into();
        let handle: JsValue = file.create_sync_access_handle().await?;
        let writer = Writer {
            handle: handle.unchecked_into(),
            at,
        };
        writer.handle.truncate_with_f64(at as f64)?;
        Ok(writer)
    }

    /// Gives a finished file its name. Browsers that cannot rename get `bytes` written anew.
    ///
    /// # Errors
    /// The storage is full or refuses.
    pub async fn rename(&self, from: &str, to: &str, bytes: &[u8]) -> Result<(), Refused> {
        let file: JsValue = self.folder.get_file_handle(from).await?;
        if let Ok(rename) = property(&file, "move").dyn_into::<js_sys::Function>() {
            let moved: js_sys::Promise = rename.call1(&file, &to.into())?.unchecked_into();
            moved.await?;
            return Ok(());
        }
        self.remove(from).await;
        let mut writer = self.write_from(to, 0).await?;
        writer.write(bytes)?;
        writer.flush()
    }

    /// Deletes a file; none is fine.
    pub async fn remove(&self, name: &str) {
        // "Not found" is what we want, and a file that cannot be deleted is checked when read.
        let _ = self.folder.remove_entry(name).await;
    }

    async fn blob(&self, name: &str) -> Result<Blob, Refused> {
        let file: JsValue = self.folder.get_file_handle(name).await?;
        let file: FileSystemFileHandle = file.unchecked_into();
        let blob: JsValue = file.get_file().await?;
        Ok(blob.unchecked_into())
    }
}

/// A file open for writing; closed when dropped.
pub struct Writer {
    handle: FileSystemSyncAccessHandle,
    at: u64,
}

impl Writer {
    /// Appends.
    ///
    /// # Errors
    /// The storage is full.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        for piece in bytes.chunks(CHUNK) {
            let options = FileSystemReadWriteOptions::new();
            options.set_at(self.at as f64);
            let written = self
                .handle
                .write_with_u8_array_and_options(piece, &options)? as u64;
            if written != piece.len() as u64 {
                return Err(Refused("the browser's storage is full".into()));
            }
            self.at += written;
        }
        Ok(())
    }

    /// Starts over at the beginning. What stands behind is overwritten or cut off when the file is
    /// opened again.
    pub fn restart(&mut self) {
        self.at = 0;
        // A file that cannot be cut is caught by its size and hash.
        let _ = self.handle.truncate_with_u32(0);
    }

    /// Makes sure that what was written is kept.
    ///
    /// # Errors
    /// The storage refuses.
    pub fn flush(&self) -> Result<(), Refused> {
        Ok(self.handle.flush()?)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.handle.close();
    }
}
