//! The base model: out of the browser's storage, or over the network into it; verified either way.

use std::sync::Arc;

use slm_model::BaseModel;
use slm_task::bundle::BaseFile;

use super::outbox::Outbox;
use crate::{
    error::AppError,
    platform::{
        clock, fetch, lock,
        store::{Refused, Store, Writer},
    },
    protocol::{Event, Kept, Phase},
    state::{
        integrity::{Hasher, short},
        transfer::Transfer,
    },
};

/// Attempts without a single new byte before a download is given up.
const ATTEMPTS: u32 = 4;

/// Attempts to open the partial file: a tab that was closed a moment ago may still hold it.
const OPEN_ATTEMPTS: u32 = 5;

/// A model and where its file is kept.
pub(super) struct Base {
    pub(super) model: Arc<BaseModel>,
    pub(super) kept: Kept,
}

/// Finds or fetches the base model and builds it.
///
/// # Errors
/// Network, a file that is not the promised one, no memory, or a model that cannot be run.
pub(super) async fn load(file: BaseFile, outbox: Outbox) -> Result<Base, AppError> {
    outbox.phase(Phase::Looking);
    let (bytes, kept) = match Store::open().await {
        Ok(store) => with_store(&file, &store, &outbox).await?,
        Err(Refused(reason)) => {
            note_not_kept(&outbox, &reason);
            let mut arrival = Arrival::new(&file)?;
            download(&mut arrival, &mut None, &outbox).await?;
            (arrival.finish()?, Kept::MemoryOnly)
        }
    };
    outbox.phase(Phase::Building);
    let model = BaseModel::from_verified_gguf(&bytes, file.sha256.clone()).map_err(|error| {
        AppError::Refused {
            name: file.name.clone(),
            reason: error.to_string(),
        }
    })?;
    Ok(Base {
        model: Arc::new(model),
        kept,
    })
}

/// The file's bytes, by way of the storage.
async fn with_store(
    file: &BaseFile,
    store: &Store,
    outbox: &Outbox,
) -> Result<(Vec<u8>, Kept), AppError> {
    if let Some(bytes) = stored(file, store, outbox).await? {
        return Ok((bytes, Kept::Stored));
    }
    let _lock = lock::acquire(&format!("slm base {}", file.sha256), || {
        outbox.phase(Phase::Waiting);
    })
    .await;
    // The tab that held the lock has most likely finished the file.
    if let Some(bytes) = stored(file, store, outbox).await? {
        return Ok((bytes, Kept::Stored));
    }
    let part = format!("{}.part", file.sha256);
    let fetched = fetch_part(file, store, &part, outbox).await;
    if let Err(AppError::Damaged { .. }) = fetched {
        store.remove(&part).await;
    }
    let (bytes, is_written) = fetched?;
    if !is_written {
        return Ok((bytes, Kept::MemoryOnly));
    }
    match store.rename(&part, &file.sha256, &bytes).await {
        Ok(()) => Ok((bytes, Kept::Stored)),
        Err(Refused(reason)) => {
            note_not_kept(outbox, &reason);
            Ok((bytes, Kept::MemoryOnly))
        }
    }
}

/// A complete copy in the storage. A damaged one is deleted and counts as none.
async fn stored(
    file: &BaseFile,
    store: &Store,
    outbox: &Outbox,
) -> Result<Option<Vec<u8>>, AppError> {
    let Some(size) = store.size(&file.sha256).await else {
        return Ok(None);
    };
    if size == file.size {
        let mut arrival = Arrival::new(file)?;
        let read = read_into(&mut arrival, store, &file.sha256, outbox).await;
        if let (Ok(()), Ok(bytes)) = (read, arrival.finish()) {
            return Ok(Some(bytes));
        }
    }
    store.remove(&file.sha256).await;
    outbox.tell(Event::Note(
        "The copy of the model in this browser was damaged; it is downloaded anew.".to_owned(),
    ));
    Ok(None)
}

/// Downloads what the partial file lacks. Gives the whole verified file, and whether the partial
/// file holds it too.
async fn fetch_part(
    file: &BaseFile,
    store: &Store,
    part: &str,
    outbox: &Outbox,
) -> Result<(Vec<u8>, bool), AppError> {
    let mut arrival = Arrival::new(file)?;
    let there = store.size(part).await.unwrap_or(0);
    if there > file.size {
        store.remove(part).await;
    } else if there > 0 && read_into(&mut arrival, store, part, outbox).await.is_err() {
        arrival.restart();
    }
    let mut writer = match open_part(store, part, &arrival).await {
        Ok(writer) => Some(writer),
        Err(Refused(reason)) => {
            note_not_kept(outbox, &reason);
            None
        }
    };
    download(&mut arrival, &mut writer, outbox).await?;
    let is_written = match writer.as_ref().map(Writer::flush) {
        Some(Ok(())) => true,
        Some(Err(Refused(reason))) => {
            note_not_kept(outbox, &reason);
            false
        }
        None => false,
    };
    Ok((arrival.finish()?, is_written))
}

/// Opens the partial file behind what was read of it.
async fn open_part(store: &Store, part: &str, arrival: &Arrival<'_>) -> Result<Writer, Refused> {
    let missing = arrival.file.size - arrival.done();
    if store.space_left().await.is_some_and(|left| left < missing) {
        return Err(Refused("it has no space left for the model".into()));
    }
    let mut attempt = 1;
    loop {
        match store.write_from(part, arrival.done()).await {
            Err(_) if attempt < OPEN_ATTEMPTS => {
                clock::sleep(200.0).await;
                attempt += 1;
            }
            opened => return opened,
        }
    }
}

async fn read_into(
    arrival: &mut Arrival<'_>,
    store: &Store,
    name: &str,
    outbox: &Outbox,
) -> Result<(), Refused> {
    let mut transfer = Transfer::new(arrival.file.size, 0, clock::now_ms());
    store
        .read(name, |piece| {
            arrival.push(piece);
            if transfer.advance(piece.len() as u64, clock::now_ms()) {
                outbox.bytes(Phase::Reading, &transfer);
            }
        })
        .await
}

/// Fetches until the file is complete; a broken connection is taken up where it broke.
async fn download(
    arrival: &mut Arrival<'_>,
    writer: &mut Option<Writer>,
    outbox: &Outbox,
) -> Result<(), AppError> {
    let mut transfer = Transfer::new(arrival.file.size, arrival.done(), clock::now_ms());
    let mut failures = 0;
    while arrival.done() < arrival.file.size {
        outbox.bytes(Phase::Downloading, &transfer);
        let before = arrival.done();
        let Err(error) = attempt(arrival, writer, &mut transfer, outbox).await else {
            continue;
        };
        failures = if arrival.done() > before {
            1
        } else {
            failures + 1
        };
        if !error.is_transient() || failures >= ATTEMPTS {
            return Err(error);
        }
        outbox.bytes(Phase::Reconnecting, &transfer);
        clock::sleep(500.0 * f64::from(1 << failures)).await;
    }
    Ok(())
}

/// One request, from where the file ends now to wherever the server gets.
async fn attempt(
    arrival: &mut Arrival<'_>,
    writer: &mut Option<Writer>,
    transfer: &mut Transfer,
    outbox: &Outbox,
) -> Result<(), AppError> {
    let file = arrival.file;
    let mut download = match fetch::stream(&file.path, arrival.done()).await {
        // The server has no such range: its file is shorter than the gallery says.
        Err(AppError::Status { status: 416, .. }) => return Err(arrival.wrong_size()),
        download => download?,
    };
    if download.start != arrival.done() {
        // The server knows no ranges and began anew.
        arrival.restart();
        *transfer = Transfer::new(file.size, 0, clock::now_ms());
        if let Some(writer) = writer {
            writer.restart();
        }
    }
    while let Some(bytes) = download.chunk().await? {
        if arrival.done() + bytes.len() as u64 > file.size {
            return Err(arrival.wrong_size());
        }
        arrival.push(&bytes);
        if let Some(Err(Refused(reason))) = writer.as_mut().map(|writer| writer.write(&bytes)) {
            note_not_kept(outbox, &reason);
            *writer = None;
        }
        if transfer.advance(bytes.len() as u64, clock::now_ms()) {
            outbox.bytes(Phase::Downloading, transfer);
        }
    }
    if arrival.done() < file.size {
        return Err(AppError::Unreachable {
            name: file.name.clone(),
        });
    }
    Ok(())
}

/// The file in memory, as far as it has arrived.
struct Arrival<'a> {
    file: &'a BaseFile,
    bytes: Vec<u8>,
    hasher: Hasher,
}

impl<'a> Arrival<'a> {
    fn new(file: &'a BaseFile) -> Result<Self, AppError> {
        let mut bytes = Vec::new();
        let size = usize::try_from(file.size).unwrap_or(usize::MAX);
        bytes
            .try_reserve_exact(size)
            .map_err(|_| AppError::Memory {
                megabytes: file.size.div_ceil(1_000_000),
            })?;
        Ok(Self {
            file,
            bytes,
            hasher: Hasher::default(),
        })
    }

    fn done(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn push(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.bytes.extend_from_slice(bytes);
    }

    fn restart(&mut self) {
        self.bytes.clear();
        self.hasher = Hasher::default();
    }

    fn wrong_size(&self) -> AppError {
        AppError::Damaged {
            name: self.file.name.clone(),
            property: "size",
            expected: format!("{} bytes", self.file.size),
            found: "another".to_owned(),
        }
    }

    /// The whole file, if it is the promised one.
    fn finish(self) -> Result<Vec<u8>, AppError> {
        let found = self.hasher.finish();
        if found != self.file.sha256 {
            return Err(AppError::Damaged {
                name: self.file.name.clone(),
                property: "sha256",
                expected: short(&self.file.sha256),
                found: short(&found),
            });
        }
        Ok(self.bytes)
    }
}

fn note_not_kept(outbox: &Outbox, reason: &str) {
    outbox.tell(Event::Note(format!(
        "The model stays in memory only and is downloaded again next time: this browser does not store it ({reason})."
    )));
}
