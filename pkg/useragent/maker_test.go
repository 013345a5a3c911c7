package useragent

import (
	"strings"
	"testing"
)

func TestBrandIsTheOneOnTheDevice(t *testing.T) {
	p := newParser(t)
	for model, want := range map[string]string{
		"CPH2609": "OnePlus", "CPH2451": "OnePlus", "CPH2653": "OnePlus", "NE2213": "OnePlus", "ONEPLUS A6003": "OnePlus", "KB2003": "OnePlus",
		"CPH2065": "Oppo", "CPH2607": "Oppo", // Oppo's own, between OnePlus's
		"RMX2020": "Realme", "RMX3690": "Realme", "RMP2102": "Realme",
		"ANY-NX1": "Honor", "REA-NX9": "Honor", "PGT-N19": "Honor", "CRT-LX1": "Honor",
		"ELE-L29": "Huawei", "JAD-LX9": "Huawei", "CTR-L81": "Huawei", "ANA-AN00": "Huawei",
		"5033D": "Alcatel", "5024D_EEA": "Alcatel", "6025D_EEA": "Alcatel", "9009G": "Alcatel",
		"6102D": "TCL", "6165H_EEA": "TCL", "T767H": "TCL", "T671H_EEA": "TCL", "9132X": "TCL", "TCL 20 5G": "TCL",
		"5860A":  "", // Coolpad's number
		"SO-51A": "Sony", "XQ-DQ54": "Sony",
		"SM-G991B": "Samsung", "Pixel 8": "Google", "Redmi Note 8 Pro": "XiaoMi", "FP5": "Fairphone", "M bot 60": "Logicom", "CUBOT_P20": "Cubot",
	} {
		told := p.ParseUncached("Mozilla/5.0 (Linux; Android 12; "+model+")"+webkit+mobile141, Hints{})
		hinted := p.ParseUncached(androidK+mobile141, Hints{Model: `"` + model + `"`})
		if told.DeviceBrand != want || hinted.DeviceBrand != want {
			t.Errorf("%s: %q, by hint %q, want %q", model, told.DeviceBrand, hinted.DeviceBrand, want)
		}
	}
}

func TestModelHoldsNoBuild(t *testing.T) {
	const view = "; wv)" + webkit + "Version/4.0 Chrome/124.0.6367.180 Mobile Safari/537.36"
	p := newParser(t)
	for ua, want := range map[string]string{
		"Mozilla/5.0 (Linux; Android 12; moto g(50) 5G Build/S1RSS32.38-20-9-13" + view: "g(50) 5G",
		"Mozilla/5.0 (Linux; Android 12; moto g(50) 5G Build/S1RSS32.38-20-9-13; wv) AppleWebKit/537.36 (KHTML,like Gecko) Version/4.0 Chrome/124.0.6367.180 Mobile Safari/537.36 Instagram 333.0.0.42.91 Android (31/12; 280dpi; 720x1462; motorola; moto g(50) 5G; saipan; mt6833; pt_BR; 604247853)": "g(50) 5G",
		"Mozilla/5.0 (Linux; Android 14; moto g04s Build/ULA34.89-177" + view:                                "g04s",
		"Mozilla/5.0 (Linux; Android 14; motorola razr 2024 Build/U3UCS34.63-88-12-3" + view:                 "razr 2024",
		"Mozilla/5.0 (Linux; Android 11; moto g power (2022))" + webkit + mobile141:                          "g power (2022)",
		"Mozilla/5.0 (Linux; U; Android 2.2.1; zh-cn; HTC Build/MIUI) AppleWebKit/533.1 (KHTML, like Gecko)": "",
		"Mozilla/5.0 (Linux; Android 4.0.3;+ HTC One S Build/IML74K)" + webkit + "Chrome/18.0.1025.133":      "One S",
	} {
		if e := p.ParseUncached(ua, Hints{}); e.DeviceModel != want {
			t.Errorf("%q, want %q: %s", e.DeviceModel, want, ua)
		}
	}
	for _, c := range uapCases(t, "test_device.yaml.gz") {
		if e := p.ParseUncached(c.UA, Hints{}); strings.ContainsAny(e.DeviceModel, ";") || strings.Contains(e.DeviceModel, "Build/") {
			t.Errorf("%q: %s", e.DeviceModel, c.UA)
		}
	}
	if e := p.ParseUncached(androidK+mobile141, Hints{Model: `"moto g(50) 5G Build/S1RSS32; wv"`}); e.DeviceModel != "moto g(50) 5G" {
		t.Errorf("by hint: %q", e.DeviceModel)
	}
}
