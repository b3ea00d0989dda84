using EveStorage.Cli.Profiles;
using EveStorage.Host.Composition;
using EveStorage.Host.Plugins;
using EveStorage.Host.Profiles;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>
/// Strategies are swapped by one line each: all of them with all backends. Those that compose have no problem; each other one is refused with
/// the line that is to change, and why.
/// </summary>
public sealed class StrategyTests : IDisposable
{
    private static readonly string[] s_backends = ["file", "lvm", "zfs"];
    private static readonly string[] s_encryptions = ["none", "luks2-under-pool", "luks2-over-volume", "rot13"];
    private static readonly string[] s_ciphers = ["auto", "aes-xts", "adiantum", "des"];
    private static readonly string[] s_compressions = ["none", "lz4", "zstd", "zstd-19", "zstd-20", "gzip"];
    private static readonly string[] s_conversions = ["eager", "native"];
    private static readonly string[] s_plugins = ["eve.file", "eve.lvm", "eve.zfs", "eve.luks", "eve.keys"];

    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public void Each_combination_composes_or_is_refused_with_its_reason()
    {
        int composed = 0;
        PluginCatalog? catalog = null;
        foreach (string backend in s_backends)
        {
            foreach (string encryption in s_encryptions)
            {
                foreach (string cipher in s_ciphers)
                {
                    foreach (string compression in s_compressions)
                    {
                        foreach (string conversion in s_conversions)
                        {
                            string[] reasons = [.. ReasonsFor(backend, encryption, cipher, compression, conversion)];

                            ProblemsOf(backend, encryption, cipher, compression, conversion, ref catalog)
                                .ShouldBe(reasons, new Begins(), ignoreOrder: true, $"{backend}, {encryption}, {cipher}, {compression}, {conversion}");
                            composed += reasons.Length == 0 ? 1 : 0;
                        }
                    }
                }
            }
        }

        composed.ShouldBe((2 * 10) + (1 * 10 * 4), "two backends that compress nothing, one with four, each with no encryption whatever its cipher or two with three");
    }

    public void Dispose() => _directory.Dispose();

    private static IEnumerable<string> ReasonsFor(string backend, string encryption, string cipher, string compression, string conversion)
    {
        if (encryption == "rot13")
        {
            yield return "Encryption: 'rot13' is no choice here; there are: none, luks2-under-pool, luks2-over-volume";
        }

        if (encryption.StartsWith("luks2", StringComparison.Ordinal) && cipher == "des")
        {
            yield return "EncryptionOptions:Cipher: must be auto, aes-xts or adiantum";
        }

        bool known = compression is "none" or "lz4" or "zstd" or "zstd-19";
        if (!known)
        {
            yield return $"Compression: '{compression}' is no choice here; there are: none, lz4, zstd, zstd-1";
        }

        if (compression != "none" && backend != "zfs")
        {
            yield return "Pools:data:Options:Compression: is no option here; there are ";
        }
        else if (!known)
        {
            yield return "Pools:data:Options:Compression: ";
        }

        if (conversion != "eager")
        {
            yield return "Conversion: 'native' is no choice here; there are: eager";
        }
    }

    private List<string> ProblemsOf(string backend, string encryption, string cipher, string compression, string conversion, ref PluginCatalog? catalog)
    {
        File.WriteAllText(_directory["p.json"], $$"""
            {
              "Plugins": { "Enabled": ["{{string.Join("\", \"", s_plugins)}}"] },
              "Keys": { "Kind": "key-file" },
              "Encryption": "{{encryption}}", "EncryptionOptions": { "Cipher": "{{cipher}}" }, "Compression": "{{compression}}", "Conversion": "{{conversion}}",
              "Pools": { "data": { "Kind": "{{backend}}", "Devices": ["/pool"] } }
            }
            """);
        Problems problems = new();
        Profile profile = ProfileReader.Read(ProfileSource.Read(_directory["p.json"]), problems);
        profile.Plugins.Directories.Add(PluginsWithoutNeeds.In(_directory["plugins"], s_plugins));
        StorageParts.Check(profile, catalog ??= PluginCatalog.Load(profile.Plugins), problems);
        return [.. problems.Lines];
    }

    private sealed class Begins : IEqualityComparer<string>
    {
        public bool Equals(string? x, string? y) => x!.StartsWith(y!, StringComparison.Ordinal) || y!.StartsWith(x, StringComparison.Ordinal);

        public int GetHashCode(string obj) => 0;
    }
}
