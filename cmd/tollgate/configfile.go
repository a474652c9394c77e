package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxConfigFile bounds what is read of a configuration file.
const maxConfigFile = 1 << 20

// loadConfig reads a file ("" = none) and the environment over the defaults. An unknown key or a bad value is an error
// that names file, line and key; all of them are named at once.
func loadConfig(path string, environ []string) (Config, error) {
	c := defaultConfig()
	lines := map[string]int{}
	if path != "" {
		text, err := readConfigFile(path)
		if err != nil {
			return c, err
		}
		if lines, err = decodeStrictly(text, path, &c); err != nil {
			return c, err
		}
	}
	variables, err := overlay(&c, environ)
	if err != nil {
		return c, err
	}
	var problems []error
	for _, f := range c.faults() {
		problems = append(problems, fmt.Errorf("%s: %s %s", source(path, f.path, lines, variables), f.path, f.message))
	}
	return c, errors.Join(problems...)
}

func readConfigFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w; write one, or leave -c out for the defaults", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxConfigFile+1))
	if err != nil {
		return nil, fmt.Errorf("configuration %s: %w", path, err)
	}
	if len(text) > maxConfigFile {
		return nil, fmt.Errorf("configuration %s is larger than %d bytes: is it the right file?", path, maxConfigFile)
	}
	return text, nil
}

// decodeStrictly fills c and returns the line of every key.
func decodeStrictly(text []byte, path string, c *Config) (map[string]int, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	lines := map[string]int{}
	index(&root, "", lines)
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	err := decoder.Decode(c)
	if err == nil || errors.Is(err, io.EOF) {
		return lines, nil
	}
	var wrong *yaml.TypeError
	if !errors.As(err, &wrong) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	problems := make([]error, len(wrong.Errors))
	for i, message := range wrong.Errors {
		problems[i] = errors.New(explain(path, message, lines))
	}
	return nil, errors.Join(problems...)
}

var (
	unknownField = regexp.MustCompile(`^line (\d+): field (\S+) not found in type main\.\S+$`)
	wrongType    = regexp.MustCompile("^line (\\d+): cannot unmarshal \\S+ (`.*` )?into (\\S+)$")
)

// explain turns a message of the YAML library into one that names file, line, key and what to write.
func explain(path, message string, lines map[string]int) string {
	if m := unknownField.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("%s:%s: %s is not a key that is known here; known keys: %s", path, m[1], keyAt(m[1], m[2], lines), strings.Join(knownKeys(), ", "))
	}
	if m := wrongType.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("%s:%s: %s must be %s", path, m[1], keyAt(m[1], "", lines), kindName(m[3]))
	}
	return path + ": " + message
}

// keyAt finds the path of the key on a line: the one that ends in name, else the innermost.
func keyAt(line, name string, lines map[string]int) string {
	best := ""
	for key, n := range lines {
		if fmt.Sprint(n) != line {
			continue
		}
		if key == name || strings.HasSuffix(key, "."+name) {
			return key
		}
		if len(key) > len(best) {
			best = key
		}
	}
	return cmp.Or(best, name)
}

func kindName(goType string) string {
	switch {
	case goType == "int":
		return "a whole number"
	case goType == "bool":
		return "true or false"
	case strings.HasPrefix(goType, "[]"):
		return "a list, such as [a, b]"
	case goType == "string":
		return "text"
	}
	return "a block of further keys"
}

// index notes the line of every key below a node.
func index(n *yaml.Node, path string, lines map[string]int) {
	switch n.Kind {
	case yaml.DocumentNode:
		for _, child := range n.Content {
			index(child, path, lines)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := strings.TrimPrefix(path+"."+n.Content[i].Value, ".")
			lines[key] = n.Content[i].Line
			index(n.Content[i+1], key, lines)
		}
	case yaml.SequenceNode:
		for i, child := range n.Content {
			item := fmt.Sprintf("%s[%d]", path, i)
			lines[item] = child.Line
			index(child, item, lines)
		}
	}
}

const envPrefix = "TOLLGATE_"

// Variables with our prefix that are no keys: the first password, and what container platforms and test runs set.
var otherVariables = regexp.MustCompile(`^TOLLGATE_(ADMIN_PASSWORD|SERVICE_.*|PORT(_.*)?|SLOW|BENCH)$`)

// overlay sets every key that the environment names and returns the variable that set it, by path. Lists are written
// as in YAML: TOLLGATE_SIP_LISTEN='["udp://127.0.0.1:5060"]'.
func overlay(c *Config, environ []string) (map[string]string, error) {
	fields := leaves(reflect.ValueOf(c).Elem(), "")
	set := map[string]string{}
	var problems []error
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) || otherVariables.MatchString(name) {
			continue
		}
		path, field, ok := lookup(fields, name)
		if !ok {
			problems = append(problems, fmt.Errorf("environment: %s is no key that is known here; known keys: %s", name, strings.Join(knownKeys(), ", ")))
			continue
		}
		set[path] = name
		if field.Kind() == reflect.String {
			field.SetString(value)
			continue
		}
		decoder := yaml.NewDecoder(strings.NewReader(value))
		decoder.KnownFields(true)
		if err := decoder.Decode(field.Addr().Interface()); err != nil {
			problems = append(problems, fmt.Errorf("environment: %s=%s must be %s", name, value, kindName(field.Type().String())))
		}
	}
	return set, errors.Join(problems...)
}

func lookup(fields map[string]reflect.Value, variable string) (string, reflect.Value, bool) {
	for path, field := range fields {
		if envPrefix+strings.ToUpper(strings.ReplaceAll(path, ".", "_")) == variable {
			return path, field, true
		}
	}
	return "", reflect.Value{}, false
}

// leaves returns every value of the configuration by its path; a list is one value.
func leaves(v reflect.Value, path string) map[string]reflect.Value {
	found := map[string]reflect.Value{}
	for i := range v.NumField() {
		key := strings.TrimPrefix(path+"."+v.Type().Field(i).Tag.Get("yaml"), ".")
		if v.Field(i).Kind() != reflect.Struct {
			found[key] = v.Field(i)
			continue
		}
		for inner, field := range leaves(v.Field(i), key) {
			found[inner] = field
		}
	}
	return found
}

func knownKeys() []string {
	var keys []string
	for path := range leaves(reflect.ValueOf(&Config{}).Elem(), "") {
		keys = append(keys, path)
	}
	slices.Sort(keys)
	return keys
}

// source says where a value came from: file and line, variable, or the default.
func source(file, path string, lines map[string]int, variables map[string]string) string {
	if name, ok := variables[path]; ok {
		return "environment " + name
	}
	for key := path; key != ""; key = key[:max(strings.LastIndexAny(key, ".["), 0)] {
		if line, ok := lines[key]; ok {
			return fmt.Sprintf("%s:%d", file, line)
		}
	}
	if file == "" {
		return "configuration"
	}
	return file
}
