package intake

import (
	"errors"
	"net/http"
	"time"

	"github.com/waymark-events/waymark/pkg/account"
)

// Why requests are refused for their key, as metrics have it, and how each is answered.
var keyRefusals = map[error]struct {
	reason, code string
	status       int
}{
	account.ErrEarly:       {"early", "write_key_not_valid_yet", http.StatusUnauthorized},
	account.ErrExpired:     {"expired", "write_key_expired", http.StatusUnauthorized},
	account.ErrServerKey:   {"server_key_in_page", "server_key_in_page", http.StatusForbidden},
	account.ErrNoOrigin:    {"no_origin", "origin_required", http.StatusForbidden},
	account.ErrOtherOrigin: {"other_origin", "origin_not_allowed", http.StatusForbidden},
}

// Authenticate finds what a write key gives to requests of an origin ("" is none), and refuses keys that are not known or not to be used so,
// and accounts of regions that are not served here.
func (i *Intake) Authenticate(key, origin string, now time.Time) (*account.Grant, *Refusal) {
	owner, refused := i.Recognize(key)
	if refused != nil {
		return nil, refused
	}
	if err := owner.Key.Usable(origin, now); err != nil {
		return nil, i.refuseKey(owner, err)
	}
	return owner, nil
}

// Recognize finds what a write key gives, wherever and whenever it is used: nothing is to be stored with it.
func (i *Intake) Recognize(key string) (*account.Grant, *Refusal) {
	if key == "" {
		i.metrics.refusedKeys.WithLabelValues("none").Inc()
		return nil, Refuse(http.StatusUnauthorized, "no_write_key", "send the write key as Basic user, Bearer token, X-Write-Key, or the body's key")
	}
	accounts := i.Accounts.Directory()
	owner := accounts.Grant(key)
	switch {
	case owner == nil && accounts.Empty():
		return nil, Refuse(http.StatusServiceUnavailable, "no_accounts", "the edge knows no account yet: send the same again").After(30 * time.Second)
	case owner == nil:
		i.metrics.refusedKeys.WithLabelValues("unknown").Inc()
		return nil, Refuse(http.StatusUnauthorized, "unknown_write_key", "the write key is not known")
	case i.Regions[owner.Region] == nil:
		return nil, Refuse(http.StatusMisdirectedRequest, "wrong_region", "the account's region is "+owner.Region+": send its events to that region's edge")
	}
	return owner, nil
}

// Knows tells whether key is an account's write key.
func (i *Intake) Knows(key string) bool { return i.Accounts.Directory().Grant(key) != nil }

// KeepSecret refuses a server's key, where whoever looks can read the request: in a tag of a page, or in a mail.
func (i *Intake) KeepSecret(owner *account.Grant) *Refusal {
	if owner.Key.Scope == account.ScopeServer {
		return i.refuseKey(owner, account.ErrServerKey)
	}
	return nil
}

func (i *Intake) refuseKey(owner *account.Grant, why error) *Refusal {
	for is, how := range keyRefusals {
		if errors.Is(why, is) {
			i.metrics.refusedKeys.WithLabelValues(how.reason).Inc()
			i.tellOwner("requests are refused for their write key", owner, how.reason)
			return Refuse(how.status, how.code, is.Error())
		}
	}
	return Refuse(http.StatusUnauthorized, "unknown_write_key", "the write key cannot be used") // Usable has no other errors
}
