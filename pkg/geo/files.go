package geo

import (
	"fmt"
	"math"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// files are the databases of one kind, tried in turn.
type files []file

type file struct {
	db   *maxminddb.Reader
	flat bool
}

// open opens every path.
func open(paths []string) (files, error) {
	var out files
	for _, path := range paths {
		// The file is mapped: on the heap, its hundred megabytes would double what the garbage collector lets a process take.
		db, err := maxminddb.Open(path)
		if err != nil {
			return nil, fmt.Errorf("geolocation database %s: %w", path, err)
		}
		out = append(out, file{db, isFlat(db)})
	}
	return out, nil
}

// isFlat looks at records until one has a name that only one of the layouts knows: MaxMind's nest, the flat ones do not. Autonomous
// systems are written alike in both.
func isFlat(db *maxminddb.Reader) bool {
	const enough = 1000
	seen := 0
	for result := range db.Networks() {
		var record map[string]any
		if seen++; seen > enough || result.Err() != nil || result.Decode(&record) != nil {
			return false
		}
		for name, flat := range layoutNames {
			if _, found := record[name]; found {
				return flat
			}
		}
	}
	return false
}

var layoutNames = map[string]bool{
	"country_code": true, "state1": true, "latitude": true,
	"country": false, "registered_country": false, "location": false, "subdivisions": false, "continent": false,
}

func stamp(paths []string) string {
	var out strings.Builder
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil {
			fmt.Fprintf(&out, "%d/%d ", info.Size(), info.ModTime().UnixNano())
		} else {
			out.WriteString("missing ")
		}
	}
	return out.String()
}

func (f files) version() string {
	var out strings.Builder
	for _, one := range f {
		built := time.Unix(int64(one.db.Metadata.BuildEpoch), 0).UTC().Format(time.DateOnly)
		fmt.Fprintf(&out, "%s of %s; ", one.db.Metadata.DatabaseType, built)
	}
	return out.String()
}

// lookup fills what the files know of addr, the first that knows it.
func (f files) lookup(addr netip.Addr, out *Location) {
	for _, one := range f {
		if addr.Is6() && one.db.Metadata.IPVersion == 4 {
			continue
		}
		result := one.db.Lookup(addr)
		if result.Err() != nil || !result.Found() {
			continue
		}
		var known bool
		if one.flat {
			known = fillFlat(result, out)
		} else {
			known = fillNested(result, out)
		}
		if known {
			return
		}
	}
}

type names struct {
	English string `maxminddb:"en"`
}

type country struct {
	Code  string `maxminddb:"iso_code"`
	Names names  `maxminddb:"names"`
}

// nested is MaxMind's layout: https://dev.maxmind.com/geoip/docs/databases/city-and-country and …/asn.
type nested struct {
	Country    country `maxminddb:"country"`
	Registered country `maxminddb:"registered_country"`
	City       struct {
		Names names `maxminddb:"names"`
	} `maxminddb:"city"`
	Subdivisions []struct {
		Names names `maxminddb:"names"`
	} `maxminddb:"subdivisions"`
	Location struct {
		Latitude  *float64 `maxminddb:"latitude"`
		Longitude *float64 `maxminddb:"longitude"`
	} `maxminddb:"location"`
	ASN    uint32 `maxminddb:"autonomous_system_number"`
	ASName string `maxminddb:"autonomous_system_organization"`
}

func fillNested(result maxminddb.Result, out *Location) bool {
	var r nested
	if result.Decode(&r) != nil {
		return false
	}
	if r.ASN != 0 || r.ASName != "" {
		out.ASN, out.ASName = r.ASN, r.ASName
		return true
	}
	where := r.Country
	if where.Code == "" {
		where = r.Registered
	}
	out.CountryCode, out.Country, out.City = where.Code, where.Names.English, r.City.Names.English
	if out.Country == "" {
		out.Country = countryName(where.Code)
	}
	if len(r.Subdivisions) > 0 {
		out.Subdivision = r.Subdivisions[0].Names.English
	}
	out.place(r.Location.Latitude, r.Location.Longitude)
	return out.CountryCode != ""
}

// flat is the layout of the ip-location-db packages: https://github.com/sapics/ip-location-db.
type flat struct {
	CountryCode string   `maxminddb:"country_code"`
	State       string   `maxminddb:"state1"`
	City        string   `maxminddb:"city"`
	Latitude    *float64 `maxminddb:"latitude"`
	Longitude   *float64 `maxminddb:"longitude"`
	ASN         uint32   `maxminddb:"autonomous_system_number"`
	ASName      string   `maxminddb:"autonomous_system_organization"`
}

func fillFlat(result maxminddb.Result, out *Location) bool {
	var r flat
	if err := result.Decode(&r); err != nil {
		return false
	}
	if r.ASN != 0 || r.ASName != "" {
		out.ASN, out.ASName = r.ASN, r.ASName
	}
	if r.CountryCode != "" {
		out.CountryCode, out.Country, out.Subdivision, out.City = r.CountryCode, countryName(r.CountryCode), r.State, r.City
		out.place(r.Latitude, r.Longitude)
	}
	return r.CountryCode != "" || r.ASN != 0
}

func (l *Location) place(latitude, longitude *float64) {
	if latitude == nil || longitude == nil {
		return
	}
	l.Latitude, l.Longitude, l.HasCoordinates = round(*latitude), round(*longitude), true
}

func round(degrees float64) float64 { return math.Round(degrees*100) / 100 }

// countryName is the Unicode CLDR's English name of a country, or MaxMind's where that differs, so that both layouts count as one in a
// report. A code that is no country's has none.
func countryName(code string) string {
	if name, differs := maxmindNames[code]; differs {
		return name
	}
	region, err := language.ParseRegion(code)
	if err != nil || !region.IsCountry() {
		return ""
	}
	return display.English.Regions().Name(region)
}

var maxmindNames = map[string]string{
	"CD": "DR Congo", "CG": "Congo Republic", "HK": "Hong Kong", "MM": "Myanmar", "MO": "Macao", "PS": "Palestine", "TR": "Türkiye",
}
