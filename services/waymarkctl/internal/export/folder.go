package export

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A folder is a place in a file system. Its lock keeps other runs out, so everything in it that no entry names is an interrupted run's.
type folder struct {
	dir    string
	unlock func() error
}

// NewFolder is the place of a folder, which the first run makes.
func NewFolder(dir string) Place { return &folder{dir: dir} }

const lockFile = "lock"

func (f *folder) named(below string) string { return filepath.Join(f.dir, filepath.FromSlash(below)) }

func (f *folder) open(context.Context, string) (err error) {
	for _, name := range []string{manifestDir, eventsDir} {
		if err := os.MkdirAll(filepath.Join(f.dir, name), 0o700); err != nil {
			return err
		}
	}
	f.unlock, err = lock(filepath.Join(f.dir, lockFile))
	return err
}

func (f *folder) shut() error { return f.unlock() }

// lock takes a lock that ends with the process.
func lock(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: another export uses this folder", filepath.Dir(path)), f.Close())
	}
	return f.Close, nil
}

func (f *folder) Entries(context.Context) (out []Entry, err error) {
	names, err := os.ReadDir(filepath.Join(f.dir, manifestDir)) // sorted by name
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if strings.HasPrefix(name.Name(), temporary) {
			continue
		}
		path := filepath.Join(f.dir, manifestDir, name.Name())
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		e, err := readEntry(text, path)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

func (f *folder) clean(_ context.Context, entries []Entry) (removed int, notes []string, err error) {
	counts := filesOf(entries)
	for _, dir := range []string{manifestDir, eventsDir} {
		err = errors.Join(err, filepath.WalkDir(filepath.Join(f.dir, dir), func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			below, err := filepath.Rel(f.dir, path)
			if err != nil {
				return err
			}
			left := strings.HasPrefix(entry.Name(), temporary) || dir == eventsDir && strings.HasSuffix(path, ".parquet") && !counts[filepath.ToSlash(below)]
			if !left {
				return nil
			}
			removed++
			return os.Remove(path)
		}))
	}
	return removed, nil, err
}

// A filePart is a file with a temporary name.
type filePart struct {
	*os.File
	folder *folder
	below  string
}

func (f *folder) begin(_ context.Context, number int) (part, error) {
	below := filepath.Join(eventsDir, time.Now().UTC().Format(time.DateOnly), fmt.Sprintf("%08d.parquet", number))
	dir := filepath.Join(f.dir, filepath.Dir(below))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	file, err := create(dir)
	if err != nil {
		return nil, err
	}
	return &filePart{file, f, below}, nil
}

func (p *filePart) finish() (string, error) {
	path := filepath.Join(p.folder.dir, p.below)
	if err := finish(p.File, path); err != nil {
		return "", err
	}
	return filepath.ToSlash(p.below), syncDir(filepath.Dir(filepath.Dir(path)))
}

func (p *filePart) abandon() error { return errors.Join(p.Close(), os.Remove(p.Name())) }

func (f *folder) add(_ context.Context, e Entry, step func(string) error) error {
	text, err := e.text()
	if err != nil {
		return err
	}
	dir := filepath.Join(f.dir, manifestDir)
	part, err := create(dir)
	if err != nil {
		return err
	}
	if _, err := part.Write(text); err != nil {
		return errors.Join(err, part.Close())
	}
	if err := errors.Join(part.Sync(), part.Close()); err != nil {
		return err
	}
	if err := step("entry written"); err != nil {
		return err
	}
	// A link, not a rename: an entry of another writer is never replaced.
	if err := os.Link(part.Name(), f.named(e.name())); err != nil {
		return fmt.Errorf("name an entry of the manifest: %w", err)
	}
	return errors.Join(os.Remove(part.Name()), syncDir(dir))
}
