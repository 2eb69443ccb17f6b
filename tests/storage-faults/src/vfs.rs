//! The virtual file system: C functions that record what is done to a file, and pass it on to the file system of the platform.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::mem::size_of;
use std::ptr;
use std::slice;

use rusqlite::ffi;

use crate::disk::{Change, Disk, Operation};

/// An open file. The file of the platform follows it in memory.
#[repr(C)]
struct File {
    base: ffi::sqlite3_file,
    /// Created when the file is opened, and dropped when it is closed.
    context: *mut FileContext,
}

struct FileContext {
    disk: Disk,
    /// `None` for a file that is not recorded: a temporary one.
    name: Option<String>,
}

/// The data of a disk that SQLite refers to. It is never freed.
struct Registration {
    disk: Disk,
    platform: *mut ffi::sqlite3_vfs,
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    // Without memory mapping, past which writes would go unseen.
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// Registers a disk under its name.
pub(crate) fn register(disk: &Disk) {
    let Ok(name) = CString::new(disk.name()) else { return };
    // SAFETY: SQLite returns its default file system, which is static. Its other functions do not use the structure that they are
    // given, so they can be called with a copy; the two that do, or that change files, are replaced. Name, registration and copy are
    // leaked, because SQLite refers to them from now on.
    unsafe {
        let platform = ffi::sqlite3_vfs_find(ptr::null());
        let registration = Box::into_raw(Box::new(Registration { disk: disk.clone(), platform }));
        let mut vfs = Box::new(*platform);
        vfs.iVersion = 2;
        vfs.szOsFile = size_of::<File>() as c_int + (*platform).szOsFile;
        vfs.pNext = ptr::null_mut();
        vfs.zName = name.into_raw();
        vfs.pAppData = registration.cast();
        vfs.xOpen = Some(open);
        vfs.xDelete = Some(delete);
        ffi::sqlite3_vfs_register(Box::into_raw(vfs), 0);
    }
}

/// Returns the file of the platform behind a file.
///
/// # Safety
/// The file must be one of this file system.
unsafe fn platform(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // SAFETY: SQLite has allocated `szOsFile` bytes.
    unsafe { file.cast::<u8>().add(size_of::<File>()).cast() }
}

/// Calls a method of the platform's file.
macro_rules! pass_on {
    ($file:ident.$method:ident($($argument:expr),*)) => {{
        // SAFETY: SQLite calls methods of an open file only, with arguments that are valid for the same method of the platform's.
        unsafe {
            let file = platform($file);
            match (*(*file).pMethods).$method {
                Some(method) => method(file $(, $argument)*),
                None => Default::default(),
            }
        }
    }};
}

/// Makes a change of a file, unless it is to fail, and records it.
///
/// # Safety
/// The file must be open.
unsafe fn change(
    file: *mut ffi::sqlite3_file,
    kind: Change,
    make: impl FnOnce() -> c_int,
    operation: impl FnOnce(String) -> Operation,
) -> c_int {
    // SAFETY: the context lives until the file is closed, and SQLite uses a file on one thread at a time.
    let context = unsafe { &*(*file.cast::<File>()).context };
    let Some(name) = &context.name else { return make() };
    if let Some(error) = context.disk.fault(kind) {
        return error;
    }
    let made = make();
    if made == ffi::SQLITE_OK {
        context.disk.record(operation(name.clone()));
    }
    made
}

/// Returns the end of a path.
///
/// # Safety
/// The path must be a C string.
unsafe fn file_name(path: *const c_char) -> String {
    // SAFETY: that of this function.
    let path = unsafe { CStr::from_ptr(path) }.to_string_lossy().into_owned();
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    path: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    flags_out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite calls this with the structure that was registered, and with memory for `szOsFile` bytes.
    unsafe {
        let registration = &*(*vfs).pAppData.cast::<Registration>();
        (*file).pMethods = ptr::null();
        let inner = platform(file);
        let Some(open) = (*registration.platform).xOpen else { return ffi::SQLITE_CANTOPEN };
        let opened = open(registration.platform, path, inner, flags, flags_out);
        if opened != ffi::SQLITE_OK {
            return opened;
        }
        let name = (!path.is_null()).then(|| file_name(path));
        let context = FileContext { disk: registration.disk.clone(), name };
        (*file.cast::<File>()).context = Box::into_raw(Box::new(context));
        (*file).pMethods = &raw const METHODS;
        opened
    }
}

unsafe extern "C" fn delete(vfs: *mut ffi::sqlite3_vfs, path: *const c_char, sync_directory: c_int) -> c_int {
    // SAFETY: as in `open`.
    unsafe {
        let registration = &*(*vfs).pAppData.cast::<Registration>();
        let Some(delete) = (*registration.platform).xDelete else { return ffi::SQLITE_IOERR_DELETE };
        let deleted = delete(registration.platform, path, sync_directory);
        if deleted == ffi::SQLITE_OK {
            registration.disk.record(Operation::Delete { file: file_name(path) });
        }
        deleted
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    let closed = pass_on!(file.xClose());
    // SAFETY: the context was created in `open`, and the file is not used after this.
    unsafe {
        drop(Box::from_raw((*file.cast::<File>()).context));
        (*file).pMethods = ptr::null();
    }
    closed
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, to: *mut c_void, amount: c_int, offset: i64) -> c_int {
    pass_on!(file.xRead(to, amount, offset))
}

unsafe extern "C" fn write(file: *mut ffi::sqlite3_file, from: *const c_void, amount: c_int, offset: i64) -> c_int {
    let make = || pass_on!(file.xWrite(from, amount, offset));
    let operation = |name| {
        // SAFETY: SQLite passes that many bytes.
        let bytes = unsafe { slice::from_raw_parts(from.cast::<u8>(), usize::try_from(amount).unwrap_or_default()) };
        Operation::Write { file: name, offset: usize::try_from(offset).unwrap_or_default(), bytes: bytes.into() }
    };
    // SAFETY: the file is open.
    unsafe { change(file, Change::Write, make, operation) }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    let make = || pass_on!(file.xTruncate(size));
    let operation = |name| Operation::Truncate { file: name, length: usize::try_from(size).unwrap_or_default() };
    // SAFETY: the file is open.
    unsafe { change(file, Change::Truncate, make, operation) }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    let make = || pass_on!(file.xSync(flags));
    // SAFETY: the file is open.
    unsafe { change(file, Change::Sync, make, |file| Operation::Sync { file }) }
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, size: *mut i64) -> c_int {
    pass_on!(file.xFileSize(size))
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    pass_on!(file.xLock(level))
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    pass_on!(file.xUnlock(level))
}

unsafe extern "C" fn check_reserved_lock(file: *mut ffi::sqlite3_file, result: *mut c_int) -> c_int {
    pass_on!(file.xCheckReservedLock(result))
}

unsafe extern "C" fn file_control(file: *mut ffi::sqlite3_file, operation: c_int, argument: *mut c_void) -> c_int {
    pass_on!(file.xFileControl(operation, argument))
}

unsafe extern "C" fn sector_size(file: *mut ffi::sqlite3_file) -> c_int {
    pass_on!(file.xSectorSize())
}

unsafe extern "C" fn device_characteristics(file: *mut ffi::sqlite3_file) -> c_int {
    pass_on!(file.xDeviceCharacteristics())
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    region: c_int,
    size: c_int,
    extend: c_int,
    memory: *mut *mut c_void,
) -> c_int {
    pass_on!(file.xShmMap(region, size, extend, memory))
}

unsafe extern "C" fn shm_lock(file: *mut ffi::sqlite3_file, offset: c_int, count: c_int, flags: c_int) -> c_int {
    pass_on!(file.xShmLock(offset, count, flags))
}

unsafe extern "C" fn shm_barrier(file: *mut ffi::sqlite3_file) {
    pass_on!(file.xShmBarrier());
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, delete: c_int) -> c_int {
    pass_on!(file.xShmUnmap(delete))
}
