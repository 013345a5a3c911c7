package chdb

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/services/local/chdb/internal/libchdb"
	"github.com/waymark-events/waymark/services/local/chdb/internal/native"
)

// minFreeBytes is the room the engine must find on disk to start: below it, merges and inserts fail one after the other.
const minFreeBytes = 64 << 20

// Engine is a running ClickHouse. A process has at most one.
type Engine struct {
	Credentials Credentials // may be set before Serve

	lib     *libchdb.Library
	dir     string
	lock    *os.File
	log     *zap.Logger
	version native.ServerVersion

	sessions sync.WaitGroup
	tags     atomic.Uint64 // the last tag given

	adminMu sync.Mutex
	admin   *libchdb.Conn // kills queries; keeps the engine up while no client is connected
}

// Credentials are what a client must show. The zero value is ClickHouse's default: user "default", no password.
type Credentials struct{ User, Password string }

func (c Credentials) accepts(user, password string) bool {
	want := c.User
	if want == "" {
		want = "default"
	}
	if user == "" {
		user = "default"
	}
	return user == want && password == c.Password
}

// The library is loaded once a process: unloading ClickHouse is not possible, and a second copy of it would not know of the first.
var (
	engineMu   sync.Mutex
	loaded     *libchdb.Library
	loadedFrom string
	running    string // data directory of the engine that is open
)

// Open starts ClickHouse on dataDir, which is made if missing and keeps everything: databases, tables, rows. The error is one
// sentence for the user: the library is missing or unfit, the directory is another process's, the disk is full.
func Open(lib, dataDir string, log *zap.Logger) (*Engine, error) {
	engineMu.Lock()
	defer engineMu.Unlock()
	if running != "" {
		return nil, fmt.Errorf("ClickHouse already runs in this process, on %s", running)
	}
	dir, err := filepath.Abs(dataDir)
	if err != nil {
		return nil, fmt.Errorf("ClickHouse's data directory: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make ClickHouse's data directory: %w", err)
	}
	if free, err := freeBytes(dir); err != nil {
		return nil, err
	} else if free < minFreeBytes {
		return nil, fmt.Errorf("the disk of ClickHouse's data directory %s is full: %d MiB are free, %d are needed", dir, free>>20, minFreeBytes>>20)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	e := &Engine{dir: dir, lock: lock, log: log}
	e.tags.Store(1_000_000) // far from any value a client's settings have
	if err := e.start(lib); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	running = dir
	return e, nil
}

func (e *Engine) start(lib string) error {
	if _, err := os.Stat(lib); err != nil {
		return fmt.Errorf("libchdb is not there (run `make libchdb`, or set LIBCHDB): %w", err)
	}
	var err error
	switch {
	case loaded == nil:
		if loaded, err = libchdb.Load(lib); err != nil {
			loaded = nil
			return err
		}
		loadedFrom = lib
	case loadedFrom != lib:
		return fmt.Errorf("this process has loaded libchdb from %s and cannot load %s too", loadedFrom, lib)
	}
	e.lib = loaded
	if e.admin, err = e.connect(e.tags.Add(1)); err != nil {
		return fmt.Errorf("start ClickHouse on %s (is the directory writable, and written by this version or an older one?): %w", e.dir, err)
	}
	r, err := e.admin.Query("SELECT version(), timezone()", "TSV")
	if err != nil {
		e.admin.Close()
		return fmt.Errorf("ask ClickHouse for its version: %w", err)
	}
	defer r.Free()
	version, zone, _ := strings.Cut(strings.TrimSpace(string(r.Bytes())), "\t")
	e.version = native.ServerVersion{Name: "ClickHouse", Timezone: zone}
	if _, err := fmt.Sscanf(version, "%d.%d.%d", &e.version.Major, &e.version.Minor, &e.version.Patch); err != nil {
		e.log.Warn("ClickHouse's version is not understood", zap.String("version", version), zap.Error(err))
	}
	e.log.Info("ClickHouse runs", zap.String("version", version), zap.String("data", e.dir))
	return nil
}

// Version is ClickHouse's, such as "26.7.2".
func (e *Engine) Version() string {
	return fmt.Sprintf("%d.%d.%d", e.version.Major, e.version.Minor, e.version.Patch)
}

// Close stops the engine once Serve has returned and frees the data directory.
func (e *Engine) Close() error {
	engineMu.Lock()
	defer engineMu.Unlock()
	e.sessions.Wait()
	e.adminMu.Lock()
	defer e.adminMu.Unlock()
	if e.admin == nil {
		return nil
	}
	e.admin.Close()
	e.admin = nil
	running = ""
	if err := e.lock.Close(); err != nil {
		return fmt.Errorf("free ClickHouse's data directory: %w", err)
	}
	return nil
}

// tagSetting marks a session's queries so that they can be found and killed: libchdb lets no caller choose a query id. It is a
// number that only ClickHouse's own TCP server looks at, and so is free here.
const tagSetting = "idle_connection_timeout"

// baseSettings are those of every session from its start. clickhouse-go reads JSON and Dynamic columns in the flattened form, and
// only in that form can a block be walked over.
var baseSettings = map[string]string{"output_format_native_use_flattened_dynamic_and_json_serialization": "1"}

// connect opens a session of the engine.
func (e *Engine) connect(tag uint64) (*libchdb.Conn, error) {
	args := []string{"--path=" + e.dir, fmt.Sprintf("--%s=%d", tagSetting, tag)}
	for name, value := range baseSettings {
		args = append(args, "--"+name+"="+value)
	}
	return e.lib.Connect(args...)
}
