package intake

import (
	"hash/maphash"
	"net/http"
	"net/netip"
	"time"

	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/services/edge/internal/bucket"
	"github.com/waymark-events/waymark/services/edge/internal/quota"
)

// How many clients and visitors are remembered: those that were silent longest are forgotten for others. Each takes about 200 bytes.
const (
	mostClients  = 1 << 16
	mostVisitors = 1 << 16
	mostOwners   = 1 << 16 // keys and accounts
)

// limits bound what may come from one client address, with one key, for one account, and of one visitor. They hold in this process alone.
type limits struct {
	requests, events *bucket.Table[netip.Addr]
	owners           *bucket.Table[string]
	// visitors are known by a hash of account and visitor, under a seed of this process: nobody can choose two that share a bucket.
	visitors *bucket.Table[uint64]
	seed     maphash.Seed
	quotas   *quota.Ledger
}

func newLimits(quotas *quota.Ledger) *limits {
	return &limits{
		requests: bucket.NewTable[netip.Addr](mostClients), events: bucket.NewTable[netip.Addr](mostClients), owners: bucket.NewTable[string](mostOwners),
		visitors: bucket.NewTable[uint64](mostVisitors), seed: maphash.MakeSeed(), quotas: quotas,
	}
}

// A Limit is one that a request ran into.
type Limit struct {
	// Name is the limit's: client_requests, client_events, key_rate, account_rate, key_quota or account_quota.
	Name string
	// Unit is what it counts: requests or events. Quota of them pass in a Window.
	Unit   string
	Quota  int64
	Window time.Duration
	// Wait is until some may come again.
	Wait time.Duration
}

// month is a quota's window as clients are told it: the longest.
const month = 31 * 24 * time.Hour

// AdmitClient lets a request of a client pass, or says how long to wait. client is whose limit it is: of IPv6 the /64.
func (i *Intake) AdmitClient(client netip.Addr, now time.Time) *Refusal {
	most := i.limits.ClientRequests
	if most == 0 {
		return nil
	}
	if wait := i.passing.requests.Take(client, 1, bucket.PerSecond(most), now); wait > 0 {
		return i.limited("your address sends more requests a second than it may", wait, Limit{"client_requests", "requests", int64(most), time.Second, wait})
	}
	return nil
}

// Admit lets the events of a request pass, or says how long to wait. An invalid client is one that has no limit of its own. Quotas count what
// was stored, so requests under way at once may go beyond by what they hold.
func (i *Intake) Admit(owner *account.Grant, client netip.Addr, events int, now time.Time) *Refusal {
	for _, q := range quotas(owner) {
		if i.passing.quotas.Used(q.name, now) >= q.most {
			wait := quota.Ends(now).Sub(now)
			i.tellOwner("an account has used its monthly quota up", owner, q.limit)
			return i.limited("the monthly quota is used up: "+q.whose, wait, Limit{q.limit, "events", q.most, month, wait})
		}
	}
	p := i.passing
	given := func() {}
	if most := i.limits.ClientEvents; most > 0 && client.IsValid() {
		rate := bucket.PerSecond(most)
		if wait := p.events.Take(client, events, rate, now); wait > 0 {
			return i.limited("your address sends more events a second than it may", wait, Limit{"client_events", "events", int64(most), time.Second, wait})
		}
		given = func() { p.events.Give(client, events, rate, now) }
	}
	for _, r := range i.rates(owner) {
		rate := bucket.PerSecond(r.most)
		wait := p.owners.Take(r.name, events, rate, now)
		if wait > 0 {
			given() // what this one refuses must not count for the others
			i.tellOwner("an account sends more than its rate", owner, r.limit)
			return i.limited(r.whose+" sends more events a second than it may", wait, Limit{r.limit, "events", int64(r.most), time.Second, wait})
		}
		before := given
		given = func() { before(); p.owners.Give(r.name, events, rate, now) }
	}
	return nil
}

// A rate and a monthly quota are one key's or one account's.
type ownersRate struct {
	name, limit, whose string
	most               int
}

type ownersQuota struct {
	name, limit, whose string
	most               int64
}

func (i *Intake) rates(owner *account.Grant) (out []ownersRate) {
	if owner.Key.Rate > 0 {
		out = append(out, ownersRate{keyName(owner), "key_rate", "the write key", owner.Key.Rate})
	}
	most := owner.Account.Rate
	if most == 0 {
		most = i.limits.AccountRate
	}
	if most > 0 {
		out = append(out, ownersRate{accountName(owner), "account_rate", "the account", most})
	}
	return out
}

func quotas(owner *account.Grant) (out []ownersQuota) {
	if most := owner.Key.MonthlyQuota; most > 0 {
		out = append(out, ownersQuota{keyName(owner), "key_quota", "the write key's", most})
	}
	if most := owner.Account.MonthlyQuota; most > 0 {
		out = append(out, ownersQuota{accountName(owner), "account_quota", "the account's", most})
	}
	return out
}

func keyName(owner *account.Grant) string     { return "key:" + owner.Key.SHA256 }
func accountName(owner *account.Grant) string { return "account:" + owner.ID }

// count counts stored events against the quotas.
func (i *Intake) count(owner *account.Grant, events int, now time.Time) {
	for _, q := range quotas(owner) {
		i.passing.quotas.Add(q.name, events, now)
	}
}

// hot tells whether a visitor sends more than the account lets one.
func (i *Intake) hot(owner *account.Account, visitor string, now time.Time) bool {
	if owner.VisitorRate == 0 {
		return false
	}
	var h maphash.Hash
	h.SetSeed(i.passing.seed)
	_, _ = h.WriteString(owner.ID) // it cannot fail
	_ = h.WriteByte(0)
	_, _ = h.WriteString(visitor)
	return i.passing.visitors.Take(h.Sum64(), 1, bucket.PerMinute(owner.VisitorRate), now) > 0
}

func (i *Intake) limited(message string, wait time.Duration, limit Limit) *Refusal {
	i.metrics.limited.WithLabelValues(limit.Name).Inc()
	code := "rate_limited"
	if limit.Window == month {
		code = "quota_exceeded"
	}
	refused := Refuse(http.StatusTooManyRequests, code, message).After(wait)
	refused.Limit = &limit
	return refused
}

// tellOwner logs what an account runs into, once a minute for each.
func (i *Intake) tellOwner(what string, owner *account.Grant, reason string) {
	if n, now := i.told.Add(what+" "+owner.ID+" "+owner.Key.SHA256+" "+reason, 1, time.Now()); now {
		i.Log.Warn(what, zap.String("account", owner.ID), zap.String("key", owner.Key.Name()), zap.String("limit", reason), zap.Int("requests", n))
	}
}
