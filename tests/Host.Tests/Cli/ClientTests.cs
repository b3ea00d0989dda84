using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using EveStorage.Cli.Api;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>The small program that asks a daemon, beside the whole one: who types a command can't tell which of the two did it.</summary>
public sealed class ClientTests
{
    private static bool IsLong { get; } = Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1";

    // Those whose answer does not hang on what another of them did before.
    private static readonly string[] s_looks =
        [
            "volume list --json", "volume show data/vm1", "volume show data/nope --json", "volume delete vm1",
            "volume list", "volume show data/vm1 --json", "volume create data/vm1 64MiB", "volume create data/vm1 64MiB --json",
            "volume create data/vm1 64MiB --if-missing", "volume create data/vm1 64MiB --if-missing --json", "volume create data/vm2 64MiB --plan", "volume create data/vm2 64MiB --plan --json",
            "export list", "export list --json", "export add vm1 --host nqn.x,key", "fs list", "fs show nope", "operation list", "operation list --json", "operation show nope", "plugin list", "plugin list --json",
            "doctor", "key list", "key list --json", "image inspect {image}", "image inspect {image} --json", "image inspect {nothing}", "image import {nothing} data/vm3",
            "image import {text} data/vm3 --format qcow2", "image save data/vm1 {image}",
        ];

    // What the small one leaves to the whole one: it never has a word of its own to say.
    private static readonly string[] s_left =
        [
            "volume lst", "volume list --help",
            "volume list --nothing", "volume", "--help", "--version", "profile show", "volume create data/vm1 many", "volume show", "nothing at all", "[suggest:9] volume",
        ];

    [Fact]
    public async Task Whoever_asks_a_daemon_can_not_tell_the_two_apart()
    {
        using CommandLineHost host = new();
        await RunAllAsync(host, BothPrograms.BuiltClient, CommandLineHost.Program, IsLong ? s_looks.Length : 3, IsLong ? s_left.Length : 1);
    }

    [Fact]
    public async Task Nor_where_it_is_compiled_to_native_code_and_shipped()
    {
        Assert.SkipUnless(IsLong, "publishes the host, for minutes: ./test.sh --long runs it");
        using TemporaryDirectory place = new();
        string program = place["host"];
        Ended published = await CommandLineHost.RunProgramAsync(RepositoryFiles.Path("eng/publish"), [program]);
        published.Code.ShouldBe(0, published.Error);
        published.Error.ShouldNotContain("not compiled");
        using CommandLineHost host = new();

        await RunAllAsync(host, Path.Combine(program, "evestorage-client"), Path.Combine(program, "evestorage"), s_looks.Length, s_left.Length);
    }

    [Fact]
    public async Task Where_no_daemon_is_or_one_that_read_other_settings_the_whole_program_answers()
    {
        using CommandLineHost host = new();
        using BothPrograms both = new(BothPrograms.BuiltClient, CommandLineHost.Program, host.Profile);

        (Ended alone, bool byItself) = await both.RunAsync("volume list");
        byItself.ShouldBeFalse();
        alone.Code.ShouldBe(0, alone.Error);

        await host.ServeAsync();
        await File.WriteAllTextAsync(host.Profile, (await File.ReadAllTextAsync(host.Profile)).Replace("\"Pools\"", "\"Pool\"", StringComparison.Ordinal));
        (Ended wrong, byItself) = await both.RunAsync("volume list");
        byItself.ShouldBeFalse();
        wrong.Code.ShouldBe(2);
        wrong.Error.ShouldContain("Pool: is no key of a profile");
    }

    [Fact]
    public async Task Options_of_every_verb_may_stand_before_it_and_the_small_one_still_answers()
    {
        using CommandLineHost host = new();
        await host.ServeAsync();
        using BothPrograms both = new(BothPrograms.BuiltClient, CommandLineHost.Program, host.Profile);

        (Ended list, bool byItself) = await both.RunAsync("--json volume list", first: true);

        byItself.ShouldBeTrue();
        list.Code.ShouldBe(0, list.Error);
        list.Json.GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public void Every_choice_in_a_document_is_written_as_a_word_without_code_that_is_made_at_run_time()
    {
        JsonSerializerOptions options = ApiJson.Make(indented: false);
        options.TypeInfoResolver = ApiDocuments.Default;
        options.MakeReadOnly();
        HashSet<Type> seen = [];
        Queue<Type> left = new(typeof(ApiDocuments).GetCustomAttributesData()
            .Where(attribute => attribute.AttributeType == typeof(JsonSerializableAttribute)).Select(attribute => (Type)attribute.ConstructorArguments[0].Value!));
        while (left.TryDequeue(out Type? type))
        {
            if (!seen.Add(type))
            {
                continue;
            }

            JsonTypeInfo known = options.GetTypeInfo(type);
            Type?[] parts = [known.ElementType, Nullable.GetUnderlyingType(type), .. known.Properties.Select(property => property.PropertyType), .. known.PolymorphismOptions?.DerivedTypes.Select(derived => derived.DerivedType) ?? []];
            foreach (Type part in parts.OfType<Type>())
            {
                left.Enqueue(part);
            }
        }

        Type[] choices = [.. seen.Where(type => type.IsEnum)];
        choices.Length.ShouldBeGreaterThan(3);
        choices.ShouldAllBe(choice => options.Converters.Any(converter => converter.GetType() != typeof(JsonStringEnumConverter) && converter.CanConvert(choice)));
    }

    private static async Task RunAllAsync(CommandLineHost host, string client, string program, int looks, int left)
    {
        using BothPrograms both = new(client, program, host.Profile);
        await File.WriteAllTextAsync(host["text"], "no image");
        await host.ServeAsync();
        await host.DoAsync("pool", "create", "data");
        await host.DoAsync("volume", "create", "vm1", "64MiB");
        await host.DoAsync("image", "save", "vm1", host["image"], "--format", "qcow2");
        foreach (string look in s_looks.Take(looks))
        {
            string command = look.Replace("{image}", host["image"], StringComparison.Ordinal).Replace("{text}", host["text"], StringComparison.Ordinal).Replace("{nothing}", host["nothing"], StringComparison.Ordinal);
            (_, bool byItself) = await both.RunAsync(command);
            byItself.ShouldBeTrue(command);
        }

        foreach (string command in s_left.Take(left))
        {
            (_, bool byItself) = await both.RunAsync(command);
            byItself.ShouldBeFalse(command);
        }

        (Ended imported, bool alone) = await both.RunAsync($"image import {host["image"]} data/vm4", async () => await host.DoAsync("volume", "delete", "vm4", "--yes"));
        imported.Code.ShouldBe(0, imported.Error);
        alone.ShouldBeTrue();
        (_, alone) = await both.RunAsync($"image save data/vm1 {host["saved"]}", () => { File.Delete(host["saved"]); return Task.CompletedTask; });
        alone.ShouldBeTrue();
    }
}
