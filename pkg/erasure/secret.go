package erasure

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"strings"
	"sync"

	"github.com/waymark-events/waymark/pkg/config"
)

// Config is the settings that services and waymarkctl share.
type Config struct {
	// Secret is the region's: the key of the digests in its tombstones, the same for enricher, sink and waymarkctl. 32 characters or more. To
	// change it, put a new one on the line before: the first makes new tombstones, the others match old ones. Default none: nothing can be erased.
	Secret config.Secret `yaml:"secret"`
}

// leastSecret is the fewest characters of a secret: a digest must not be undone by trying secrets.
const leastSecret = 32

// Validate names what is wrong with the secret.
func (c Config) Validate() error {
	if _, err := c.Keys(); err != nil {
		return errors.New("secret: " + err.Error())
	}
	return nil
}

// Keys returns the keys of the secret.
func (c Config) Keys() (Keys, error) {
	var out Keys
	for line := range strings.Lines(string(c.Secret)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
			continue
		case len(line) < leastSecret:
			return nil, errors.New("want 32 characters or more, one secret a line")
		}
		out = append(out, newKey(line))
	}
	return out, nil
}

// Keys are a region's secrets, the one of new tombstones first. Empty where none is configured.
type Keys []*Key

// Find returns the key of a fingerprint, nil when it is not among them.
func (ks Keys) Find(fingerprint string) *Key {
	for _, k := range ks {
		if k.Fingerprint == fingerprint {
			return k
		}
	}
	return nil
}

// A Key makes digests. It is safe for concurrent use.
type Key struct {
	// Fingerprint names the secret and does not tell it.
	Fingerprint string
	pool        sync.Pool
}

// A Digest stands for an identifier.
type Digest [sha256.Size]byte

func newKey(secret string) *Key {
	k := &Key{pool: sync.Pool{New: func() any { return &digester{mac: hmac.New(sha256.New, []byte(secret))} }}}
	sum := k.sum("waymark erasure secret")
	k.Fingerprint = hex.EncodeToString(sum[:8])
	return k
}

type digester struct {
	mac hash.Hash
	in  []byte
	out Digest
}

// Digest returns the digest of an identifier of an account: the same id of another account, or of another kind, has another.
func (k *Key) Digest(account string, kind Kind, id string) Digest {
	return k.sum(account, string(kind), id)
}

// sum separates its parts by a byte that neither accounts nor kinds can contain.
func (k *Key) sum(parts ...string) Digest {
	d := k.pool.Get().(*digester)
	defer k.pool.Put(d)
	d.mac.Reset()
	d.in = d.in[:0]
	for i, part := range parts {
		if i > 0 {
			d.in = append(d.in, 0)
		}
		d.in = append(d.in, part...)
	}
	d.mac.Write(d.in)
	d.mac.Sum(d.out[:0])
	return d.out
}
