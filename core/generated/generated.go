//go:build !js

// Package generated writes files that are generated from a table in Go, and finds those that are out of date.
package generated

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// An Output is one file that is generated, or a part of one.
type Output struct {
	// Path is the file's path from the folder of go.mod.
	Path string
	// Render returns the content of the file. before is its present content.
	Render func(before []byte) ([]byte, error)
}

// Write writes the outputs that are out of date and prints their paths.
func Write(outputs []Output) error {
	return each(outputs, func(o Output, path string, after []byte) error {
		fmt.Println("wrote", o.Path)
		return os.WriteFile(path, after, 0o644)
	})
}

// Check returns an error for the first output that is out of date.
func Check(outputs []Output) error {
	return each(outputs, func(o Output, _ string, _ []byte) error {
		return fmt.Errorf("%s is out of date; go generate ./... writes it", o.Path)
	})
}

// each calls stale for every output whose file has another content than the table gives.
func each(outputs []Output, stale func(o Output, path string, after []byte) error) error {
	root, err := findRoot()
	if err != nil {
		return err
	}
	for _, o := range outputs {
		path := filepath.Join(root, o.Path)
		before, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		after, err := o.Render(before)
		if err != nil {
			return fmt.Errorf("%s: %w", o.Path, err)
		}
		if string(after) == string(before) {
			continue
		}
		if err := stale(o, path, after); err != nil {
			return err
		}
	}
	return nil
}

// findRoot returns the folder of go.mod, which the current folder is in.
func findRoot() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if filepath.Dir(dir) == dir {
			return "", errors.New("no go.mod above the current folder")
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}
