package build

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"runtime/debug"
	"slices"
	"strings"
)

// The types of a bill of materials in CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json), as far as it is used here.
type (
	sbom struct {
		BOMFormat    string           `json:"bomFormat"`
		SpecVersion  string           `json:"specVersion"`
		SerialNumber string           `json:"serialNumber"`
		Version      int              `json:"version"`
		Metadata     sbomMetadata     `json:"metadata"`
		Components   []sbomComponent  `json:"components"`
		Dependencies []sbomDependency `json:"dependencies"`
	}
	sbomMetadata struct {
		Component sbomComponent `json:"component"`
		Tools     struct {
			Components []sbomComponent `json:"components"`
		} `json:"tools"`
	}
	sbomComponent struct {
		Type       string         `json:"type"`
		Ref        string         `json:"bom-ref"`
		Name       string         `json:"name"`
		Version    string         `json:"version,omitempty"`
		PURL       string         `json:"purl,omitempty"`
		Hashes     []sbomHash     `json:"hashes,omitempty"`
		Properties []sbomProperty `json:"properties,omitempty"`
	}
	sbomHash struct {
		Algorithm string `json:"alg"`
		Content   string `json:"content"`
	}
	sbomProperty struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	sbomDependency struct {
		Ref       string   `json:"ref"`
		DependsOn []string `json:"dependsOn,omitempty"`
	}
)

func sha256Of(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// billOfMaterials lists what a package contains: its files, and the Go modules that the linker put into its WASM files and programs, as these
// say themselves. goVersion is the version of the toolchain, whose standard library and wasm_exec.js are in the package, too. The
// package has no dependencies on npm. The same package gives the same bytes.
func billOfMaterials(name, version, goVersion string, files tree, tarball []byte) ([]byte, error) {
	var b sbom
	b.BOMFormat, b.SpecVersion, b.Version = "CycloneDX", "1.6", 1
	sum := sha256.Sum256(tarball)
	sum[6], sum[8] = sum[6]&0x0F|0x80, sum[8]&0x3F|0x80 // a UUID of version 8 (RFC 9562): its bits are the tarball's hash
	b.SerialNumber = fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
	library := func(path, version string) sbomComponent {
		purl := "pkg:golang/" + path + "@" + version
		return sbomComponent{Type: "library", Ref: purl, Name: path, Version: version, PURL: purl}
	}
	standard := library("std", strings.TrimPrefix(goVersion, "go"))
	root := "pkg:npm/" + name + "@" + version
	b.Metadata.Component = sbomComponent{Type: "library", Ref: root, Name: name, Version: version, PURL: root,
		Hashes: []sbomHash{{"SHA-256", sha256Of(tarball)}}}
	b.Metadata.Tools.Components = []sbomComponent{{Type: "application", Ref: "tool:go", Name: "go", Version: goVersion}}

	linked := map[string]sbomComponent{standard.Ref: standard}
	contains := sbomDependency{Ref: root}
	var dependencies []sbomDependency
	for _, file := range slices.Sorted(maps.Keys(files)) {
		ref := "file:" + file
		b.Components = append(b.Components, sbomComponent{Type: "file", Ref: ref, Name: file,
			Hashes: []sbomHash{{"SHA-256", sha256Of(files[file])}}})
		contains.DependsOn = append(contains.DependsOn, ref)
		d := sbomDependency{Ref: ref}
		info, err := buildInfo(file, files[file])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if info != nil {
			d.DependsOn = append(d.DependsOn, standard.Ref)
			for _, m := range info.Deps {
				if m.Replace != nil {
					m = m.Replace
				}
				c := library(m.Path, m.Version)
				c.Properties = []sbomProperty{{"go:sum", m.Sum}}
				linked[c.Ref] = c
				d.DependsOn = append(d.DependsOn, c.Ref)
			}
		}
		dependencies = append(dependencies, d)
	}
	b.Dependencies = append([]sbomDependency{contains}, dependencies...)
	for _, ref := range slices.Sorted(maps.Keys(linked)) {
		b.Components = append(b.Components, linked[ref])
		b.Dependencies = append(b.Dependencies, sbomDependency{Ref: ref})
	}
	data, err := json.MarshalIndent(b, "", "  ")
	return append(data, '\n'), err
}

// buildInfo returns the build information of a program that Go linked, or nil for another file.
func buildInfo(name string, data []byte) (*debug.BuildInfo, error) {
	switch strings.TrimSuffix(path.Base(name), ".exe") {
	case "imkeysim":
		return buildinfo.Read(bytes.NewReader(data))
	}
	if path.Ext(name) == ".wasm" {
		return wasmBuildInfo(data)
	}
	return nil, nil
}

// The 16 bytes before and after the build information that the linker writes into every Go program (cmd/go/internal/modload).
var (
	infoStart, _ = hex.DecodeString("3077af0c9274080241e1c107e6d618e6")
	infoEnd, _   = hex.DecodeString("f932433186182072008242104116d8f2")
)

// wasmBuildInfo reads the build information of a WASM file, which debug/buildinfo cannot read.
func wasmBuildInfo(code []byte) (*debug.BuildInfo, error) {
	_, rest, found := bytes.Cut(code, infoStart)
	text, _, ended := bytes.Cut(rest, infoEnd)
	if !found || !ended {
		return nil, fmt.Errorf("no build information of Go")
	}
	return debug.ParseBuildInfo(string(text))
}
