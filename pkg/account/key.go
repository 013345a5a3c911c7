package account

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A Key is one of an account's write keys, as the accounts file has it: its hash and what it may do.
type Key struct {
	// SHA256 is the key's hash, 64 hexadecimal digits: who reads the file cannot send. It needs no salt, and no slow hash, as a key is random;
	// waymarkctl makes one. It is no secret either, and names the key.
	SHA256 string `yaml:"sha256"`
	// Scope says who may send with it. Default browser.
	Scope Scope `yaml:"scope"`
	// Origins are the pages that may, as https://shop.example, or https://*.shop.example for one label in the star's place: neither none nor
	// two. Default: all that the edge's allowed_origins lets in. Not for scope server.
	Origins []string `yaml:"origins"`
	// Rate is how many events a second may come with it, with bursts of twice as many; 0 is no limit.
	Rate int `yaml:"rate"`
	// MonthlyQuota is how many events of a calendar month (UTC) are taken with it; 0 is no limit.
	MonthlyQuota int64 `yaml:"monthly_quota"`
	// NotBefore and Expires are when it begins and ends to be good: two keys overlap while clients change from one to the other. Default
	// always.
	NotBefore time.Time `yaml:"not_before"`
	Expires   time.Time `yaml:"expires"`
}

// Scope says who may send with a key.
type Scope string

const (
	// ScopeBrowser is of keys that stand in pages, for everybody to read: requests must name an origin that is allowed. That keeps other
	// sites' pages out, not who forges the header.
	ScopeBrowser Scope = "browser"
	// ScopeServer is of secret keys. A request with an Origin comes from a page, where a secret is none any more: it is refused.
	ScopeServer Scope = "server"
	// ScopeAny is of trials, and of mails, which name no origin: pages of allowed origins, and whatever is no page.
	ScopeAny Scope = "any"
)

// Name is the beginning of the hash: what logs and sentences call the key.
func (k *Key) Name() string { return k.SHA256[:min(8, len(k.SHA256))] }

// HashKey is the hash that a key is kept as.
func HashKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// ValidKey tells whether text can be a write key: 8–128 characters of A–Z, a–z, 0–9, '_', '.', '~', '-'.
func ValidKey(text string) bool { return keyPattern.MatchString(text) }

// A Grant is what a write key gives: to send for an account, as the key says.
type Grant struct {
	*Account
	Key *Key
}

// Why a key that is known is no good now, or not from there.
var (
	ErrEarly       = errors.New("the write key is not valid yet")
	ErrExpired     = errors.New("the write key has expired")
	ErrServerKey   = errors.New("the write key is for servers, and this request comes from a page: whoever opens the page has the key; take it out, revoke it, and make one of scope browser")
	ErrNoOrigin    = errors.New("the write key is for pages, and this request names no origin: use a key of scope server")
	ErrOtherOrigin = errors.New("pages of this origin may not send with this write key: its origins name those that may")
)

// Usable tells whether requests of an origin ("" is none) may use the key at a moment. Errors: ErrEarly, ErrExpired, ErrServerKey, ErrNoOrigin,
// ErrOtherOrigin.
func (k *Key) Usable(origin string, now time.Time) error {
	switch {
	case !k.NotBefore.IsZero() && now.Before(k.NotBefore):
		return ErrEarly
	case !k.Expires.IsZero() && !now.Before(k.Expires):
		return ErrExpired
	case k.Scope == ScopeServer && origin != "":
		return ErrServerKey
	case k.Scope == ScopeBrowser && origin == "":
		return ErrNoOrigin
	case origin != "" && len(k.Origins) > 0 && !slices.ContainsFunc(k.Origins, func(allowed string) bool { return matches(allowed, origin) }):
		return ErrOtherOrigin
	}
	return nil
}

// matches compares an origin with an allowed one. A star stands for one whole label, so that https://*.shop.example is neither
// https://shop.example nor https://evilshop.example nor https://a.b.shop.example.
func matches(allowed, origin string) bool {
	before, after, wild := strings.Cut(allowed, "*")
	if !wild {
		return allowed == origin
	}
	label, ok := strings.CutPrefix(origin, before)
	if !ok {
		return false
	}
	label, ok = strings.CutSuffix(label, after)
	return ok && labelPattern.MatchString(label)
}

var (
	hashPattern  = regexp.MustCompile(`^[0-9a-f]{64}$`)
	labelPattern = regexp.MustCompile(`^[a-z0-9_-]+$`)
	// originPattern is what browsers send as Origin (RFC 6454 §7), extensions' too, and null of sandboxed frames.
	originPattern = regexp.MustCompile(`^(null|[a-z][a-z0-9+.-]*://[^/A-Z\s?#*]+)$`)
	// wildPattern has a star for the first label, and two labels or more behind it.
	wildPattern = regexp.MustCompile(`^[a-z][a-z0-9+.-]*://\*(\.[a-z0-9_-]+){2,}(:[0-9]{1,5})?$`)
)

// validate fills in what was left out, and names the first member that is wrong, never what stands there.
func (k *Key) validate() error {
	if k.Scope == "" {
		k.Scope = ScopeBrowser
	}
	switch {
	case !hashPattern.MatchString(k.SHA256): // it may be the key itself
		return errors.New("sha256: want 64 hexadecimal digits in lower case, as waymarkctl prints them")
	case k.Scope != ScopeBrowser && k.Scope != ScopeServer && k.Scope != ScopeAny:
		return errors.New("scope: want browser, server or any")
	case k.Scope == ScopeServer && len(k.Origins) > 0:
		return errors.New("origins: a key of scope server has none")
	case k.Rate < 0:
		return errors.New("rate: want 0 or more")
	case k.MonthlyQuota < 0:
		return errors.New("monthly_quota: want 0 or more")
	case !k.NotBefore.IsZero() && !k.Expires.IsZero() && !k.Expires.After(k.NotBefore):
		return errors.New("expires: want a time after not_before")
	}
	for i, origin := range k.Origins {
		if !originPattern.MatchString(origin) && !wildPattern.MatchString(origin) {
			return fmt.Errorf("origins[%d]: want null, scheme://host, or scheme://*.name.example, with :port where it is not the scheme's own, in lower case and without a slash at the end", i)
		}
	}
	return nil
}
