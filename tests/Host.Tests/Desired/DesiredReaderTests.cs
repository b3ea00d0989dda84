using System.Text;
using System.Text.Json;
using EveStorage.Host.Desired;
using EveStorage.Host.Profiles;
using EveStorage.Testing;

namespace EveStorage.Tests;

public sealed class DesiredReaderTests
{
    private const string Host = "nqn.2014-08.org.example:guest";

    /// <summary>Files that are as they should be, and files with one thing wrong.</summary>
    public static TheoryData<bool, string> Files { get; } = new()
    {
        { true, "{}" },
        { true, """{ "$schema": "x", "pools": { "data": {}, "old": { "absent": true } } }""" },
        { true, """{ "volumes": { "data/a": { "size": "1GiB" }, "data/b": { "size": 4096, "thick": true, "encrypted": true, "compressed": false }, "data/c": { "absent": true, "withSnapshots": true } } }""" },
        { true, """{ "volumes": { "data/a": { "image": { "file": "b/c.qcow2", "verify": true } }, "data/b": { "size": "2G", "image": { "url": "https://example.org/a?b", "format": "raw", "snapshot": "1", "sha256": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "lazy": true } } } }""" },
        { true, """{ "fileSystems": { "data/a": { "size": "1GiB", "kind": "xfs", "at": "log/new", "reserved": true, "encrypted": true, "compressed": true, "mounted": false, "readOnly": true }, "data/b": { "absent": true } } }""" },
        { true, $$"""{ "exports": { "data/a": { "tcp": { "hosts": { "{{Host}}": { "key": "k", "controllerKey": "c" } }, "subsystem": "nqn.2026-11.org.lfedge.evestorage:s", "nsid": 2, "readOnly": true, "iops": 5, "bandwidth": "1MiB" }, "loop": { "absent": true } } } }""" },
        { true, $$"""{ "exports": { "data/a": { "tcp": { "hosts": { "{{Host}}": { "key": null, "controllerKey": null } }, "readOnly": null, "iops": null, "bandwidth": null } } }, "fileSystems": { "data/b": { "size": 1, "mounted": null, "readOnly": null } } }""" },
        { false, "[]" },
        { false, """{ "pool": {} }""" },
        { false, """{ "pools": { "Data": {} } }""" },
        { false, """{ "pools": { "data": { "size": 1 } } }""" },
        { false, """{ "pools": { "data": true } }""" },
        { false, """{ "volumes": { "a": { "size": 1 } } }""" },
        { false, """{ "volumes": { "data/a": {} } }""" },
        { false, """{ "volumes": { "data/a": { "size": 0 } } }""" },
        { false, """{ "volumes": { "data/a": { "size": "10 parsecs" } } }""" },
        { false, """{ "volumes": { "data/a": { "size": 1, "thick": "yes" } } }""" },
        { false, """{ "volumes": { "data/a": { "absent": true, "size": 1 } } }""" },
        { false, """{ "volumes": { "data/a": { "size": 1, "withSnapshots": true } } }""" },
        { false, """{ "volumes": { "data/a": { "image": { "file": "a", "url": "https://example.org/a" } } } }""" },
        { false, """{ "volumes": { "data/a": { "image": { "format": "raw" } } } }""" },
        { false, """{ "volumes": { "data/a": { "image": { "file": "" } } } }""" },
        { false, """{ "volumes": { "data/a": { "image": { "url": "file:///etc/shadow" } } } }""" },
        { false, """{ "volumes": { "data/a": { "image": { "file": "a", "sha256": "00" } } } }""" },
        { false, """{ "fileSystems": { "data/a": { "kind": "ext4" } } }""" },
        { false, """{ "fileSystems": { "data/a": { "size": 1, "at": "/etc" } } }""" },
        { false, """{ "fileSystems": { "data/a": { "size": 1, "at": "a/../b" } } }""" },
        { false, """{ "exports": { "data/a": { "tcp": { "hosts": [] } } } }""" },
        { false, """{ "exports": { "data/a": { "tcp": { "nsid": null } } } }""" },
        { false, """{ "exports": { "data/a": { "tcp": { "iops": 0 } } } }""" },
        { false, """{ "exports": { "data/a": { "tcp": { "nsid": 0 } } } }""" },
        { false, """{ "exports": { "data/a": { "tcp": { "absent": true, "readOnly": true } } } }""" },
    };

    [Theory]
    [MemberData(nameof(Files))]
    public void A_file_is_taken_or_told_what_is_wrong_with_it(bool good, string file) => (ProblemsOf(file).Count == 0).ShouldBe(good, string.Join("; ", ProblemsOf(file)));

    [Fact]
    public async Task The_example_of_the_page_is_a_file_without_a_problem()
        => ProblemsOf((await File.ReadAllTextAsync(RepositoryFiles.Path("docs/desired-state.md"), TestContext.Current.CancellationToken)).Split("```json")[1].Split("```")[0]).ShouldBeEmpty();

    [Fact]
    public void Every_problem_is_told_at_once_with_where_it_stands()
        => ProblemsOf("""
            {
              "volumes": { "data/a": { "siez": 1, "image": { "file": "a", "verify": 1 } }, "data/B": { "size": 1 }, "data/c": { "size": "x" } },
              "fileSystems": { "data/c": { "size": 1, "mounted": 1 } },
              "exports": { "data/a": { "tcp": { "hosts": { "me": { "key": "NO" } }, "subsystem": "nqn.2014-08.org.example:other" } } },
              "more": 1
            }
            """).Select(problem => problem.Split(": ")[0]).ShouldBe(
            [
                "volumes:data/a:image:verify", "volumes:data/a:siez", "volumes:data/B", "volumes:data/c:size", "fileSystems:data/c:mounted", "fileSystems:data/c",
                "exports:data/a:tcp:hosts:me", "exports:data/a:tcp:hosts:me:key", "exports:data/a:tcp:subsystem", "more",
            ],
            ignoreOrder: true);

    [Fact]
    public void What_is_no_JSON_or_says_a_thing_twice_is_told_by_its_line()
    {
        ProblemsOf("{\n  \"pools\": {\n    oops\n  }\n}").ShouldHaveSingleItem().ShouldContain("line 3: ");
        ProblemsOf("""{ "pools": { "data": {}, "data": {} } }""").ShouldHaveSingleItem().ShouldContain("data");
    }

    [Fact]
    public void Every_cut_of_a_file_is_told_to_be_none()
    {
        byte[] whole = Encoding.UTF8.GetBytes($$"""{ "pools": { "data": {} }, "exports": { "data/a": { "tcp": { "hosts": { "{{Host}}": {} } } } } }""");

        Enumerable.Range(0, whole.Length).Where(length => ProblemsOf(whole.AsMemory(0, length)).Count == 0).ShouldBeEmpty("what is half written is never taken for whole");
    }

    [Fact]
    public void A_file_that_is_too_long_is_refused()
        => ProblemsOf(new byte[DesiredReader.MaxLength + 1]).ShouldHaveSingleItem().ShouldContain("longer than 16MiB");

    [Fact]
    public async Task The_schema_says_the_same_as_the_reader()
    {
        using TemporaryDirectory directory = new();
        await File.WriteAllTextAsync(directory["files.json"], JsonSerializer.Serialize(Files.Select(row => new { good = row.Data.Item1, file = row.Data.Item2 })), TestContext.Current.CancellationToken);
        await RequireValidatorAsync();

        Ended ended = await CommandLineHost.RunProgramAsync("python3", ["-c", """
            import json, jsonschema, sys
            schema = json.load(open(sys.argv[1]))
            jsonschema.Draft202012Validator.check_schema(schema)
            validator = jsonschema.Draft202012Validator(schema)
            for row in json.load(open(sys.argv[2])):
                if validator.is_valid(json.loads(row["file"])) != row["good"]:
                    print(row["file"])
            """, RepositoryFiles.Path("docs/desired-state.schema.json"), directory["files.json"]]);

        ended.Code.ShouldBe(0, ended.Error);
        ended.Output.ShouldBe("");
    }

    [Fact]
    public async Task The_program_prints_the_schema_that_is_published()
    {
        using CommandLineHost host = new();

        (await host.DoAsync("apply", "--schema")).Output.ShouldBe(await File.ReadAllTextAsync(RepositoryFiles.Path("docs/desired-state.schema.json"), TestContext.Current.CancellationToken));
    }

    private static async Task RequireValidatorAsync()
        => Assert.SkipUnless(
            Environment.GetEnvironmentVariable("CI") == "true" || (await CommandLineHost.RunProgramAsync("python3", ["-c", "import jsonschema"])).Code == 0, "needs python3-jsonschema");

    private static IReadOnlyList<string> ProblemsOf(string file) => ProblemsOf(Encoding.UTF8.GetBytes(file));

    private static IReadOnlyList<string> ProblemsOf(ReadOnlyMemory<byte> file)
    {
        Problems problems = new();
        DesiredReader.Read(file, problems);
        return problems.Lines;
    }
}
