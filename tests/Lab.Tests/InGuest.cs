using System.Globalization;
using System.Text.RegularExpressions;

namespace EveStorage.Tests;

/// <summary>Test projects that run inside a guest: building the solution builds them beside this one.</summary>
internal static partial class InGuest
{
    /// <summary>Where a test project is built.</summary>
    internal static string Built(string project)
    {
        DirectoryInfo ours = new(AppContext.BaseDirectory);   // artifacts/bin/EveStorage.Lab.Tests/debug
        string built = Path.Combine(ours.Parent!.Parent!.FullName, project, ours.Name);
        File.Exists(Path.Combine(built, $"{project}.dll")).ShouldBeTrue($"{project} is not built: build the solution");
        return built;
    }

    /// <summary>The script that runs tests of a project that is shared with the guest, and prints what failed, and the summary.</summary>
    internal static string Run(string project, string tests, string kernel)
        => $"modprobe loop; cd /tmp; export EVESTORAGE_IN_LAB={kernel} DOTNET_TieredPGO=0 DOTNET_gcConcurrent=0; "
            + $"dotnet /share/{project}.dll -noLogo -noColor -parallelMode none -method '*.{tests}' > /tmp/said 2>&1; grep -v -E '^  (Disc|Start|Finish)' /tmp/said | tail -c 20000";

    /// <summary>How many tests passed.</summary>
    internal static int PassedIn(string said)
    {
        Match summary = Summary.Match(said);
        int Number(int group) => int.Parse(summary.Groups[group].Value, CultureInfo.InvariantCulture);
        return summary.Success ? Number(1) - Number(2) - Number(3) : 0;
    }

    [GeneratedRegex(@"Total: (\d+), .*Failed: (\d+), Skipped: (\d+)")]
    private static partial Regex Summary { get; }
}
