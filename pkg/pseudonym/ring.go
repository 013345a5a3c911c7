// Package pseudonym makes pseudonyms of user ids: keyed hashes, that only who has the key can make again, and nobody without it.
//
// A key ring is a folder: a file for each key, named <account>/<epoch>.key, which holds a secret of 32 random bytes as hexadecimal digits. The key of
// an account and an epoch is derived from that epoch's own secret (HKDF-SHA-256, RFC 5869), so that no key tells of another. A pseudonym is
// HMAC-SHA-256 (RFC 2104) of the id, and names its epoch: p2.<43 characters of base64url>. The newest epoch makes them; older ones stay in the ring
// so that what they made can be found again (All), until their secret is destroyed. What it made is then a random number to everybody.
package pseudonym

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/retry"
)

// A Ring holds the newest good reading of a key ring. It is safe for concurrent use; nil, or of no folder, it has no keys.
type Ring struct {
	dir     string
	log     *zap.Logger
	keys    atomic.Pointer[map[string][]key]
	last    string // what the last reading saw, to know changes
	reloads *prometheus.CounterVec
}

// A key is one epoch's; newest first in a ring. hmac is nil of one that was destroyed.
type key struct {
	epoch int
	hmac  []byte
}

// Open reads the ring in dir, which must be good; "" is a ring without keys. Metrics go to reg.
func Open(dir string, log *zap.Logger, reg prometheus.Registerer) (*Ring, error) {
	r := &Ring{dir: dir, log: log, reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "waymark_pseudonym_keys_reloads_total",
		Help: "Readings of a changed key ring, by result (ok, error). After an error the last good reading stays in force.",
	}, []string{"result"})}
	for _, result := range []string{"ok", "error"} {
		r.reloads.WithLabelValues(result)
	}
	if err := reg.Register(r.reloads); err != nil {
		return nil, err
	}
	r.keys.Store(&map[string][]key{})
	if dir == "" {
		return r, nil
	}
	return r, r.read()
}

// Read reads a ring once, for who asks it a question and ends.
func Read(dir string) (*Ring, error) {
	r := &Ring{dir: dir}
	r.keys.Store(&map[string][]key{})
	return r, r.read()
}

func (r *Ring) read() error {
	found, err := list(r.dir)
	if err != nil {
		return fmt.Errorf("key ring: %w", err)
	}
	keys := make(map[string][]key)
	for _, k := range found {
		if k.Destroyed {
			keys[k.Account] = append(keys[k.Account], key{epoch: k.Epoch})
			continue
		}
		secret, err := k.secret(r.dir)
		if err != nil {
			return fmt.Errorf("key ring: %w", err)
		}
		derived, err := hkdf.Key(sha256.New, secret, nil, "waymark pseudonym 1|"+k.Account+"|"+strconv.Itoa(k.Epoch), sha256.Size)
		if err != nil {
			return fmt.Errorf("key ring: derive: %w", err)
		}
		keys[k.Account] = append(keys[k.Account], key{k.Epoch, derived})
	}
	for _, of := range keys {
		slices.SortFunc(of, func(a, b key) int { return b.epoch - a.epoch })
	}
	r.keys.Store(&keys)
	r.last = sight(found)
	return nil
}

// Watch looks at the folder every interval until ctx ends, and takes over what changed.
func (r *Ring) Watch(ctx context.Context, interval time.Duration) {
	if r.dir == "" {
		return
	}
	retry.Every(ctx, interval, r.reload)
}

func (r *Ring) reload() {
	found, err := list(r.dir)
	seen := sight(found)
	if err != nil {
		seen = "error" // so that it is told once
	}
	if seen == r.last {
		return
	}
	r.last = seen
	if err == nil {
		err = r.read()
	}
	if err != nil {
		r.reloads.WithLabelValues("error").Inc()
		r.log.Error("key ring is broken; the last good reading stays in force", zap.String("folder", r.dir), zap.Error(err))
		return
	}
	r.reloads.WithLabelValues("ok").Inc()
	r.log.Info("key ring read again", zap.String("folder", r.dir), zap.Int("keys", len(found)))
}

// Has tells whether the ring can make pseudonyms for an account.
func (r *Ring) Has(account string) bool {
	keys := r.of(account)
	return len(keys) > 0 && keys[0].hmac != nil
}

// Of is the pseudonym of an id under the account's newest key; false where there is none. Where the newest was destroyed there is none, until
// another is made: an older one would make again what was to be forgotten.
func (r *Ring) Of(account, id string) (string, bool) {
	if !r.Has(account) {
		return "", false
	}
	return r.of(account)[0].of(id), true
}

// All are the pseudonyms of an id under every key of the account that is not destroyed, newest first: who looks for a person's rows looks for all.
func (r *Ring) All(account, id string) (out []string) {
	for _, k := range r.of(account) {
		if k.hmac != nil {
			out = append(out, k.of(id))
		}
	}
	return out
}

func (r *Ring) of(account string) []key {
	if r == nil {
		return nil
	}
	return (*r.keys.Load())[account]
}

func (k key) of(id string) string {
	mac := hmac.New(sha256.New, k.hmac)
	_, _ = mac.Write([]byte(id)) // a hash takes all
	return "p" + strconv.Itoa(k.epoch) + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
