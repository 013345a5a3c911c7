// Package access knows who may ask the console, and of which accounts.
package access

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/config"
	"github.com/waymark-events/waymark/pkg/retry"
	"github.com/waymark-events/waymark/pkg/telemetry"
)

// A User is somebody, or a team, that signs in as one.
type User struct {
	// Name is for people: 1–100 characters, unique.
	Name string `yaml:"name"`
	// Tokens are the SHA-256 of the user's tokens, 64 hexadecimal digits each: who reads the file cannot sign in. A token is random, so that there is
	// nothing to guess.
	Tokens []string `yaml:"tokens"`
	// ProxyUsers and ProxyGroups are what a trusted proxy's headers say of the user: one of them is enough.
	ProxyUsers  []string `yaml:"proxy_users"`
	ProxyGroups []string `yaml:"proxy_groups"`
	// Accounts are the ids of those that the user sees; * is all.
	Accounts []string `yaml:"accounts"`
	// Operator also sees how the whole region does.
	Operator bool `yaml:"operator"`
}

// May tells whether the user sees an account.
func (u *User) May(account string) bool {
	return account != "" && (slices.Contains(u.Accounts, account) || u.All())
}

// All tells whether the user sees every account.
func (u *User) All() bool { return slices.Contains(u.Accounts, "*") }

// An Analyst is a ClickHouse user that sees one account's rows, and no more. SQL of people is run as theirs.
type Analyst struct {
	User     string        `yaml:"user"`
	Password config.Secret `yaml:"password"`
}

// A List is one reading of the users file. It does not change.
type List struct {
	Users []User `yaml:"users"`
	// SQL has the analysts, by account.
	SQL map[string]Analyst `yaml:"sql"`

	byToken, byProxyUser, byProxyGroup map[string]*User
}

var hash = regexp.MustCompile(`^[0-9a-f]{64}$`)

// NewList validates users. Names, tokens and proxies' users and groups must be unique.
func NewList(l List) (*List, error) {
	l.byToken, l.byProxyUser, l.byProxyGroup = make(map[string]*User), make(map[string]*User), make(map[string]*User)
	names := make(map[string]bool)
	for i := range l.Users {
		u := &l.Users[i]
		switch {
		case u.Name == "" || len(u.Name) > 100:
			return nil, fmt.Errorf("user %d: name: want 1–100 characters", i+1)
		case names[u.Name]:
			return nil, fmt.Errorf("user %d: the name stands twice", i+1)
		case len(u.Tokens)+len(u.ProxyUsers)+len(u.ProxyGroups) == 0:
			return nil, fmt.Errorf("user %d: want tokens, proxy_users or proxy_groups", i+1)
		case len(u.Accounts) == 0:
			return nil, fmt.Errorf("user %d: accounts: want at least one, or *", i+1)
		}
		names[u.Name] = true
		for j, token := range u.Tokens {
			if !hash.MatchString(token) { // it may be the token itself
				return nil, fmt.Errorf("user %d: tokens[%d]: want the SHA-256 of a token, 64 hexadecimal digits in lower case", i+1, j)
			}
		}
		for _, known := range []struct {
			what   string
			values []string
			by     map[string]*User
		}{{"tokens", u.Tokens, l.byToken}, {"proxy_users", u.ProxyUsers, l.byProxyUser}, {"proxy_groups", u.ProxyGroups, l.byProxyGroup}} {
			for j, value := range known.values {
				if value == "" || known.by[value] != nil {
					return nil, fmt.Errorf("user %d: %s[%d]: want one that nobody else has", i+1, known.what, j)
				}
				known.by[value] = u
			}
		}
	}
	for account, analyst := range l.SQL {
		if analyst.User == "" {
			return nil, fmt.Errorf("sql.%s.user: want a ClickHouse user", account)
		}
	}
	return &l, nil
}

// longestToken bounds what is hashed of what a client sends, in bytes.
const longestToken = 256

// hashOf is what a token is kept as; empty when it can be none.
func hashOf(token string) string {
	if token == "" || len(token) > longestToken {
		return ""
	}
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// read reads and validates a users file.
func read(file string) (*List, error) {
	var l List
	if err := config.DecodeFile(file, &l); err != nil {
		return nil, fmt.Errorf("users: %w", err)
	}
	if err := config.ReadSecrets(&l); err != nil {
		return nil, fmt.Errorf("users: %s: %w", file, err)
	}
	list, err := NewList(l)
	if err != nil {
		return nil, fmt.Errorf("users: %s: %w", file, err)
	}
	return list, nil
}

// A Store holds the newest good reading of a users file.
type Store struct {
	file    string
	log     *zap.Logger
	current atomic.Pointer[List]
	sum     [sha256.Size]byte
	reloads *prometheus.CounterVec
}

// Open reads file, which must be good; without one there is nobody. Metrics go to reg.
func Open(file string, log *zap.Logger, reg prometheus.Registerer) (*Store, error) {
	s := &Store{file: file, log: log, reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "waymark_console_users_reloads_total", Help: "Readings of a changed users file, by result (ok, error). After an error the last good reading stays in force.",
	}, []string{"result"})}
	if err := telemetry.Register(reg, s.reloads); err != nil {
		return nil, err
	}
	if file == "" {
		return s.With(&List{})
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("users: %w", err)
	}
	l, err := read(file)
	if err != nil {
		return nil, err
	}
	s.sum = sha256.Sum256(text)
	s.current.Store(l)
	return s, nil
}

// With puts a list in force.
func (s *Store) With(l *List) (*Store, error) {
	l, err := NewList(*l)
	if err != nil {
		return nil, err
	}
	s.current.Store(l)
	return s, nil
}

// List is the newest good reading.
func (s *Store) List() *List { return s.current.Load() }

// Watch looks at the file every interval until ctx ends, and takes over what changed. A broken file is logged and counted, once per change.
func (s *Store) Watch(ctx context.Context, interval time.Duration) {
	if s.file == "" {
		<-ctx.Done()
		return
	}
	retry.Every(ctx, interval, s.reload)
}

func (s *Store) reload() {
	text, err := os.ReadFile(s.file)
	sum := sha256.Sum256(text) // of nothing when the file is gone, so that its absence is reported once
	if sum == s.sum {
		return
	}
	s.sum = sum
	var l *List
	if err == nil {
		l, err = read(s.file)
	} else {
		err = errors.New("it cannot be read")
	}
	if err != nil {
		s.reloads.WithLabelValues("error").Inc()
		s.log.Error("the users file cannot be taken over; the last good one stays in force", zap.String("file", s.file), zap.Error(err))
		return
	}
	s.current.Store(l)
	s.reloads.WithLabelValues("ok").Inc()
	s.log.Info("users file read again", zap.Int("users", len(l.Users)))
}
