package access

import (
	"cmp"
	"crypto/rand"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/waymark-events/waymark/pkg/clientip"
	"github.com/waymark-events/waymark/pkg/config"
)

// Mode is how people sign in.
type Mode string

const (
	// ModeToken is by tokens of the users file.
	ModeToken Mode = "token"
	// ModeProxy is by a proxy that has signed them in, with OpenID Connect say, and names them in a header.
	ModeProxy Mode = "proxy"
	// ModeOpen lets everybody see everything: for a trial on one machine.
	ModeOpen Mode = "open"
)

// Config says who is let in, and how.
type Config struct {
	// Mode is token, proxy or open. Required. Tokens are good in the mode proxy too, for scripts.
	Mode Mode `yaml:"mode"`
	// SessionKey signs the cookies of sessions: 32 characters or more, the same for all consoles behind one address. Default: a random one, which ends all
	// sessions with the process.
	SessionKey config.Secret `yaml:"session_key"`
	// SessionTime is how long a session lasts. Default 12h, 1m–720h.
	SessionTime time.Duration `yaml:"session_time"`
	// InsecureCookie lets browsers send the cookie over plain HTTP, too. Default false.
	InsecureCookie bool `yaml:"insecure_cookie"`
	// TrustedProxies are the addresses and CIDR prefixes of the proxies whose headers are believed; of others the headers are nobody's word.
	TrustedProxies []string `yaml:"trusted_proxies"`
	// UserHeader names the user, GroupsHeader their groups, with commas. Default X-Auth-Request-Email and X-Auth-Request-Groups, as oauth2-proxy has
	// them.
	UserHeader   string `yaml:"user_header"`
	GroupsHeader string `yaml:"groups_header"`
}

// DefaultConfig returns the defaults; Mode is left to be set.
func DefaultConfig() Config {
	return Config{SessionTime: 12 * time.Hour, UserHeader: "X-Auth-Request-Email", GroupsHeader: "X-Auth-Request-Groups"}
}

// Validate names the first setting that is wrong and what is accepted.
func (c Config) Validate() error {
	if _, err := clientip.New(c.TrustedProxies, clientip.XForwardedFor); err != nil {
		return errors.New("trusted_proxies: want addresses or CIDR prefixes")
	}
	switch {
	case c.Mode != ModeToken && c.Mode != ModeProxy && c.Mode != ModeOpen:
		return errors.New("mode: want token, proxy or open")
	case c.SessionKey != "" && len(c.SessionKey) < 32:
		return errors.New("session_key: want 32 characters or more")
	case c.SessionTime < time.Minute || c.SessionTime > 720*time.Hour:
		return errors.New("session_time: want 1m–720h")
	case c.Mode == ModeProxy && len(c.TrustedProxies) == 0:
		return errors.New("trusted_proxies: want at least one in the mode proxy")
	case c.Mode == ModeProxy && c.UserHeader == "":
		return errors.New("user_header: want the name of a header in the mode proxy")
	}
	return nil
}

// A Gate says who a request is from. It is safe for concurrent use.
type Gate struct {
	cfg     Config
	store   *Store
	proxies *clientip.Resolver
	key     []byte
	now     func() time.Time
}

// everybody is who asks in the mode open.
var everybody = &User{Name: "everybody", Accounts: []string{"*"}, Operator: true}

// NewGate makes a gate; cfg has been validated.
func NewGate(cfg Config, store *Store) (*Gate, error) {
	proxies, err := clientip.New(cfg.TrustedProxies, clientip.XForwardedFor)
	if err != nil {
		return nil, err
	}
	key := []byte(string(cfg.SessionKey))
	if len(key) == 0 {
		key = make([]byte, 32)
		if _, err := rand.Read(key); err != nil {
			return nil, err
		}
	}
	return &Gate{cfg: cfg, store: store, proxies: proxies, key: key, now: time.Now}, nil
}

// Mode is how people sign in here.
func (g *Gate) Mode() Mode { return g.cfg.Mode }

// Who returns the user that a request is from, or nil. A Bearer token counts before the proxy's word, and that before a cookie.
func (g *Gate) Who(r *http.Request) *User {
	if g.cfg.Mode == ModeOpen {
		return everybody
	}
	list := g.store.List()
	if scheme, token, found := strings.Cut(r.Header.Get("Authorization"), " "); found && strings.EqualFold(scheme, "Bearer") {
		// The hash is looked up: how long that takes tells nothing of the token, since a guess that begins as one does has a hash that does not.
		return list.byToken[hashOf(strings.TrimSpace(token))]
	}
	if g.cfg.Mode == ModeProxy {
		return g.proxied(list, r)
	}
	return g.session(list, r)
}

// proxied is who a trusted proxy says it is. A user's own entry counts before those of groups, and of these the first.
func (g *Gate) proxied(list *List, r *http.Request) *User {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !g.proxies.Trusts(peer.Addr().Unmap().WithZone("")) {
		return nil
	}
	// Two headers of one name are the proxy's and somebody else's: which is whose cannot be known.
	users := r.Header.Values(g.cfg.UserHeader)
	if len(users) != 1 || users[0] == "" {
		return nil
	}
	if u := list.byProxyUser[users[0]]; u != nil {
		return u
	}
	if groups := r.Header.Values(g.cfg.GroupsHeader); g.cfg.GroupsHeader != "" && len(groups) == 1 {
		for group := range strings.SplitSeq(groups[0], ",") {
			if u := list.byProxyGroup[strings.TrimSpace(group)]; u != nil {
				// The limits of one count for them, not for the whole group.
				own := *u
				own.Name = users[0]
				return &own
			}
		}
	}
	return nil
}

// SignIn returns the cookie of a new session for who has the token, or nil.
func (g *Gate) SignIn(token string) *http.Cookie {
	hashed := hashOf(token)
	if g.cfg.Mode != ModeToken || hashed == "" || g.store.List().byToken[hashed] == nil {
		return nil
	}
	return g.cookie(g.seal(hashed, g.now().Add(g.cfg.SessionTime)), int(g.cfg.SessionTime/time.Second))
}

// SignOut returns the cookie that takes a session's back.
func (g *Gate) SignOut() *http.Cookie { return g.cookie("", -1) }

func (g *Gate) cookie(value string, seconds int) *http.Cookie {
	return &http.Cookie{
		Name: g.cookieName(), Value: value, Path: "/", MaxAge: seconds, HttpOnly: true, Secure: !g.cfg.InsecureCookie, SameSite: http.SameSiteStrictMode,
	}
}

// cookieName has the prefix by which browsers let no other host set it, where they may.
func (g *Gate) cookieName() string {
	const name = "waymark_console"
	if g.cfg.InsecureCookie {
		return name
	}
	return "__Host-" + name
}

// Header is a request's header that pages of other sites cannot send without this service's leave, which it gives to none.
const Header = "X-Waymark-Console"

// Forged tells whether a request that changes something may be another site's doing, in the name of who is signed in.
func Forged(r *http.Request) bool {
	site := cmp.Or(r.Header.Get("Sec-Fetch-Site"), "same-origin") // scripts and older browsers send none
	return r.Header.Get(Header) != "1" || (site != "same-origin" && site != "none")
}
