using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using EveStorage.Host.Metrics;

namespace EveStorage.Tests;

/// <summary>Measurements, against the rules of the format that Prometheus reads (exposition format 0.0.4).</summary>
public sealed partial class MetricsTests
{
    [Fact]
    public async Task The_daemon_answers_what_the_host_has_in_the_format_that_Prometheus_reads()
    {
        using CommandLineHost host = new();
        await host.ServeAsync();
        await host.DoAsync("pool", "create", "data");
        await host.DoAsync("volume", "create", "vm1", "64MiB");
        await host.DoAsync("export", "add", "vm1", "--host", CommandLineHost.HostNqn);

        Ended answered = await host.CurlAsync("/metrics", "--write-out", "\n%{content_type}");
        string[] parts = answered.Output.Split("\n\n");
        Dictionary<string, double> samples = Parse(answered.Output[..answered.Output.LastIndexOf('\n')]);
        JsonElement status = (await host.DoAsync("pool", "status", "data", "--json")).Json.GetProperty("status");

        answered.Output.ShouldEndWith("\ntext/plain; version=0.0.4; charset=utf-8");
        parts.Length.ShouldBeLessThan(3, "no empty lines between measurements");
        samples["evestorage_pool_up{pool=\"data\"}"].ShouldBe(1);
        samples["evestorage_pool_health{pool=\"data\",state=\"healthy\"}"].ShouldBe(1);
        samples["evestorage_pool_size_bytes{pool=\"data\"}"].ShouldBe(status.GetProperty("size").GetDouble());
        samples["evestorage_volume_provisioned_bytes{pool=\"data\",volume=\"vm1\"}"].ShouldBe(64 << 20);
        samples["evestorage_export_served{pool=\"data\",volume=\"vm1\",transport=\"tcp\"}"].ShouldBe(1);
        samples["evestorage_export_reads_total{pool=\"data\",volume=\"vm1\",transport=\"tcp\"}"].ShouldBe(0, "nobody is connected");
        samples["evestorage_operations_running"].ShouldBe(0);
        Parse((await host.DoAsync("metrics")).Output).Keys.ShouldBe(samples.Keys);
    }

    [Fact]
    public async Task Without_a_daemon_a_pool_that_is_not_made_is_not_up()
    {
        using CommandLineHost host = new();

        Parse((await host.DoAsync("metrics")).Output)["evestorage_pool_up{pool=\"data\"}"].ShouldBe(0);
    }

    [Fact]
    public void What_a_label_may_not_have_is_escaped_and_a_measurement_of_nothing_is_left_out()
    {
        MetricsText text = new();

        text.Gauge("a", "Some.", [new(0.5, ("drive", "a\"b\\c\nd"))]);
        text.Gauge("b", "None.", []);

        $"{text}".ShouldBe("# HELP a Some.\n# TYPE a gauge\na{drive=\"a\\\"b\\\\c\\nd\"} 0.5\n");
        Parse($"{text}").Count.ShouldBe(1);
    }

    /// <summary>The samples of a text, each rule of the format checked on the way.</summary>
    private static Dictionary<string, double> Parse(string text)
    {
        text.ShouldEndWith("\n");
        Dictionary<string, double> samples = [];
        HashSet<string> ended = [];
        string name = "";
        string type = "";
        string[] lines = text.TrimEnd('\n').Split('\n');
        for (int at = 0; at < lines.Length; at++)
        {
            if (Help.Match(lines[at]) is { Success: true } help)
            {
                ended.Add(name);
                name = help.Groups[1].Value;
                ended.ShouldNotContain(name, "all samples of a measurement stand together");
                Match typed = Type.Match(lines[++at]);
                typed.Success.ShouldBeTrue(lines[at]);
                typed.Groups[1].Value.ShouldBe(name);
                type = typed.Groups[2].Value;
                name.EndsWith("_total", StringComparison.Ordinal).ShouldBe(type == "counter", name);
                continue;
            }

            Match sample = SampleLine.Match(lines[at]);
            sample.Success.ShouldBeTrue(lines[at]);
            sample.Groups["name"].Value.ShouldBe(name);
            samples.TryAdd(lines[at][..lines[at].LastIndexOf(' ')], double.Parse(sample.Groups["value"].Value, CultureInfo.InvariantCulture)).ShouldBeTrue("a series is there once");
        }

        return samples;
    }

    [GeneratedRegex("^# HELP ([a-z][a-z0-9_]*) (?:[^\\\\]|\\\\\\\\|\\\\n)+$")]
    private static partial Regex Help { get; }

    [GeneratedRegex("^# TYPE ([a-z][a-z0-9_]*) (gauge|counter)$")]
    private static partial Regex Type { get; }

    [GeneratedRegex("""^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\\\|\\"|\\n)*"(?:,[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\\\|\\"|\\n)*")*\})? (?<value>-?[0-9.]+(?:E[+-]?[0-9]+)?)$""")]
    private static partial Regex SampleLine { get; }
}
