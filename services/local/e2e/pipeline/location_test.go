package pipeline

// An address of the United States, and where the database made on the spot says that it is. It knows no autonomous systems.
const addressUS = "128.112.20.30"

var locationUS = map[string]any{
	"ip_masked": "128.112.20.0", "country_code": "US", "country": "United States", "subdivision": "New Jersey", "city": "Princeton",
	"latitude": 40.34, "longitude": -74.65, "asn": 0, "as_name": "",
}
