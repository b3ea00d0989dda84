using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using EveStorage.Linux;
using EveStorage.Testing;
using EveStorage.Tpm2Keys;

namespace EveStorage.Tests;

/// <summary>A TPM by swtpm, with a directory for sealed keys.</summary>
internal sealed class EmulatedTpm : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private EmulatedTpm()
    {
    }

    internal string Work => _directory["work"];

    internal string Place => _directory["keys"];

    internal Tpm2KeysOptions Options => new() { Directory = Place, Work = Work, Tcti = $"swtpm:path={_directory["tpm"]}" };

    internal TpmKeys Keys => new(Options, TimeProvider.System);

    internal static async Task<EmulatedTpm> StartAsync()
    {
        Assert.SkipUnless(
            (Command.Find("swtpm") is not null && Command.Find("tpm2_unseal") is not null) || Environment.GetEnvironmentVariable("CI") == "true",
            "needs swtpm and tpm2-tools");
        EmulatedTpm tpm = new();
        Directory.CreateDirectory(tpm._directory["state"]);
        await tpm.BootAsync();
        return tpm;
    }

    /// <summary>Starts it as a machine does: the PCRs begin anew, what it holds stays.</summary>
    internal async Task BootAsync()
    {
        await StopAsync();
        await Command.Find("swtpm")!.RunAsync(
            ["socket", "--tpm2", "--tpmstate", $"dir={_directory["state"]}", "--server", $"type=unixio,path={_directory["tpm"]}",
             "--ctrl", $"type=unixio,path={_directory["tpm.ctrl"]}", "--flags", "not-need-init,startup-clear",
             "--pid", $"file={_directory["pid"]}", "--daemon"],
            default);
    }

    /// <summary>Does to a PCR what other software at boot would do.</summary>
    internal Task ExtendAsync(int pcr)
        => Command.Find("tpm2_pcrextend")!.RunAsync(["-T", Options.Tcti, $"{pcr}:sha256={Convert.ToHexString(SHA256.HashData([1])).ToLowerInvariant()}"], default);

    /// <summary>Draws new seeds, as who takes a machine over may.</summary>
    internal Task ClearAsync() => Command.Find("tpm2_clear")!.RunAsync(["-T", Options.Tcti, "-c", "p"], default);

    /// <summary>What the TPM holds of transient objects and sessions.</summary>
    internal async Task<string> HeldAsync()
    {
        string held = "";
        foreach (string kind in (string[])["handles-transient", "handles-loaded-session", "handles-saved-session"])
        {
            held += await Command.Find("tpm2_getcap")!.RunAsync(["-T", Options.Tcti, kind], default);
        }

        return held.Trim();
    }

    internal async Task StopAsync()
    {
        if (!File.Exists(_directory["pid"]))
        {
            return;
        }

        using (Process swtpm = Process.GetProcessById(int.Parse(await File.ReadAllTextAsync(_directory["pid"]), CultureInfo.InvariantCulture)))
        {
            swtpm.Kill();
            await swtpm.WaitForExitAsync();
        }

        File.Delete(_directory["pid"]);
        File.Delete(_directory["tpm"]);
        File.Delete(_directory["tpm.ctrl"]);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _directory.Dispose();
    }
}
