using System.Globalization;
using System.Text.RegularExpressions;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>A test project that a guest runs, for what only its kernel can show. It goes there as a drive, and is started once.</summary>
internal static partial class TestsInGuest
{
    /// <summary>Makes the drive of a project.</summary>
    public static async Task<string> PackAsync(TemporaryDirectory directory, string project)
    {
        string built = Path.Combine(AppContext.BaseDirectory, "..", "..", project, "debug");
        Directory.Exists(built).ShouldBeTrue($"{project} is not built");
        await Programs.OutputAsync("mkfs.erofs", directory["tests.erofs"], built);
        return directory["tests.erofs"];
    }

    /// <summary>Runs the explicit tests of a class, of which each has to pass, and gives their number.</summary>
    public static async Task<int> RunAsync(Guest guest, string drive, string project, string type, string variables = "")
    {
        string output = await guest.RunAsync($"""
            modprobe erofs; mkdir -p /tests; mountpoint -q /tests || mount -t erofs -o ro $(lab-disk {drive}) /tests
            export DOTNET_gcConcurrent=0 DOTNET_TieredPGO=0 CI=true {variables}
            cd /tmp; dotnet /tests/{project}.dll -noLogo -noColor -explicit only -class '*{type}' 2>&1 || true
            """, 1800);
        Match summary = Summary().Match(output);
        summary.Success.ShouldBeTrue(output);
        (summary.Groups["failed"].Value, summary.Groups["errors"].Value, summary.Groups["skipped"].Value).ShouldBe(("0", "0", "0"), output);
        return int.Parse(summary.Groups["total"].Value, CultureInfo.InvariantCulture);
    }

    [GeneratedRegex("Total: (?<total>\\d+), Errors: (?<errors>\\d+), Failed: (?<failed>\\d+), Skipped: (?<skipped>\\d+)")]
    private static partial Regex Summary();
}
