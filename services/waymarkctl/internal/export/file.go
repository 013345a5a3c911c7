package export

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// temporary is how names of files begin that are not whole yet.
const temporary = ".waymark-"

// WriteFile has write fill a file that is there whole or not at all: it is written beside, synced, and then takes the name, and the place of an older
// file of that name. After an error the older one is as it was.
func WriteFile(path string, write func(*os.File) error) (err error) {
	part, err := create(filepath.Dir(path))
	if err != nil {
		return err
	}
	if err := write(part); err != nil {
		return errors.Join(err, part.Close(), os.Remove(part.Name()))
	}
	if err := finish(part, path); err != nil {
		return errors.Join(err, os.Remove(part.Name()))
	}
	return nil
}

// create makes a file in dir with a name of its own. Only its owner may read it: it may hold people's data.
func create(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, temporary+rand.Text()), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make a file: %w", err)
	}
	return f, nil
}

// finish syncs and closes a file, and gives it its name.
func finish(part *os.File, path string) error {
	if err := errors.Join(part.Sync(), part.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(part.Name(), path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes names in dir last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
