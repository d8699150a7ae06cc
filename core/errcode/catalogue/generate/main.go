//go:build !js

// Command generate writes what is generated from the catalogue of error codes. `go generate ./core/errcode` runs it.
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
)

func main() {
	log.SetFlags(0)
	root, err := findRoot()
	if err != nil {
		log.Fatal(err)
	}
	for _, o := range outputs {
		path := filepath.Join(root, o.path)
		before, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			log.Fatal(err)
		}
		after, err := o.render(before)
		if err != nil {
			log.Fatalf("%s: %v", o.path, err)
		}
		if string(after) == string(before) {
			continue
		}
		if err := os.WriteFile(path, after, 0o644); err != nil {
			log.Fatal(err)
		}
		fmt.Println("wrote", o.path)
	}
}

// findRoot returns the folder of go.mod, which the current folder is in.
func findRoot() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if filepath.Dir(dir) == dir {
			return "", fmt.Errorf("no go.mod above the current folder")
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}
