package pseudonym

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Key is one of a ring, without its secret.
type Key struct {
	Account string
	// Epoch counts an account's keys from 1. A number is never used again.
	Epoch int
	// Since is when the key was made, or destroyed.
	Since time.Time
	// Destroyed is true of one whose secret is gone.
	Destroyed bool
}

const (
	secretBytes = 32
	present     = ".key"
	destroyed   = ".destroyed"
)

var (
	accountPattern = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)
	filePattern    = regexp.MustCompile(`^([1-9][0-9]{0,8})(\.key|\.destroyed)$`)
)

// New makes the next key of an account; from then on it makes the account's pseudonyms.
func New(dir, account string) (Key, error) {
	if !accountPattern.MatchString(account) {
		return Key{}, errors.New("want an account's id")
	}
	if err := os.MkdirAll(filepath.Join(dir, account), 0o700); err != nil {
		return Key{}, fmt.Errorf("make the account's folder: %w", err)
	}
	found, err := List(dir, account)
	if err != nil {
		return Key{}, err
	}
	k := Key{Account: account, Epoch: 1, Since: time.Now()}
	if n := len(found); n > 0 {
		k.Epoch = found[n-1].Epoch + 1
	}
	secret := make([]byte, secretBytes)
	_, _ = rand.Read(secret) // it never fails (crypto/rand)
	if err := write(k.path(dir, present), []byte(hex.EncodeToString(secret)+"\n")); err != nil {
		return Key{}, fmt.Errorf("write the key: %w", err)
	}
	return k, nil
}

// List lists an account's keys, oldest first; of "" all accounts'.
func List(dir, account string) ([]Key, error) {
	found, err := list(dir)
	return slices.DeleteFunc(found, func(k Key) bool { return account != "" && k.Account != account }), err
}

// ErrNoKey means that a ring has no such key.
var ErrNoKey = errors.New("there is no such key")

// Destroy overwrites a key's secret, removes it, and leaves a mark that it was there. Copies are not its to find: backups of the folder, and
// what a file system or a disk keeps of overwritten blocks.
func Destroy(dir, account string, epoch int) error {
	k := Key{Account: account, Epoch: epoch}
	path := k.path(dir, present)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) || !accountPattern.MatchString(account) {
		return ErrNoKey
	}
	if err != nil {
		return fmt.Errorf("open the key: %w", err)
	}
	noise := make([]byte, 2*secretBytes+1)
	_, _ = rand.Read(noise)
	_, err = f.WriteAt(noise, 0)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("overwrite the key: %w", err)
	}
	if err := write(k.path(dir, destroyed), nil); err != nil {
		return fmt.Errorf("mark the key as destroyed: %w", err)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("remove the key: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

func (k Key) path(dir, ending string) string {
	return filepath.Join(dir, k.Account, strconv.Itoa(k.Epoch)+ending)
}

// secret reads a key's secret.
func (k Key) secret(dir string) ([]byte, error) {
	text, err := os.ReadFile(k.path(dir, present))
	if err != nil {
		return nil, err
	}
	secret, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(secret) != secretBytes {
		return nil, fmt.Errorf("%s: want %d hexadecimal digits", k.path(dir, present), 2*secretBytes) // without the cause: it quotes them
	}
	return secret, nil
}

// list lists every key of a ring, by account and epoch. Other files are passed over, but for those whose name nearly is a key's: hidden ones are
// what Kubernetes and editors leave.
func list(dir string) (out []Key, err error) {
	accounts, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, account := range accounts {
		if !accountPattern.MatchString(account.Name()) {
			continue
		}
		files, err := os.ReadDir(filepath.Join(dir, account.Name()))
		if err != nil {
			continue // a file
		}
		for _, file := range files {
			m := filePattern.FindStringSubmatch(file.Name())
			if m == nil {
				continue
			}
			info, err := file.Info()
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
			epoch, _ := strconv.Atoi(m[1])
			out = append(out, Key{account.Name(), epoch, info.ModTime(), m[2] == destroyed})
		}
	}
	slices.SortFunc(out, func(a, b Key) int {
		if c := strings.Compare(a.Account, b.Account); c != 0 {
			return c
		}
		return a.Epoch - b.Epoch
	})
	// A crash within Destroy leaves both: it is destroyed.
	gone := make(map[string]bool)
	for _, k := range out {
		if k.Destroyed {
			gone[k.path("", "")] = true
		}
	}
	return slices.DeleteFunc(out, func(k Key) bool { return !k.Destroyed && gone[k.path("", "")] }), nil
}

// sight is what a look at a ring sees, to know changes by.
func sight(keys []Key) string {
	var b strings.Builder
	for _, k := range keys {
		fmt.Fprintf(&b, "%s/%d %v %d\n", k.Account, k.Epoch, k.Destroyed, k.Since.UnixNano())
	}
	return b.String()
}

// write writes a file that is whole or not there.
func write(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Link(f.Name(), path) // unlike a rename it does not replace another's
	}
	if err = errors.Join(err, os.Remove(f.Name())); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
