namespace EveStorage.Linux;

/// <summary>The programs that have a device open, as far as this process may look.</summary>
public static class DevicePrograms
{
    /// <summary>Those that have one of <paramref name="paths"/> open, for a person: by its nodes, as they were opened.</summary>
    public static IEnumerable<string> Of(params IReadOnlyCollection<string> paths)
        => Processes().Where(process => HasOpen(process, paths)).Select(Describe);

    /// <summary>Those that have something beneath the directory <paramref name="path"/> open, or are in it, for a person.</summary>
    public static IEnumerable<string> Beneath(string path)
        => Processes().Where(process => IsIn(process, path)).Select(Describe);

    private static IEnumerable<string> Processes() => Directory.EnumerateDirectories("/proc").Where(path => Path.GetFileName(path).All(char.IsAsciiDigit));

    private static string Describe(string process) => $"{DriveSysfs.Read(process, "comm") ?? "a program"} (process {Path.GetFileName(process)})";

    private static bool IsIn(string process, string directory)
    {
        string beneath = directory + "/";
        try
        {
            return ((string[])["cwd", "root", "exe"]).Select(name => Path.Combine(process, name))
                .Concat(Directory.EnumerateFileSystemEntries(Path.Combine(process, "fd")))
                .Select(link => new FileInfo(link).LinkTarget)
                .Any(target => target == directory || target?.StartsWith(beneath, StringComparison.Ordinal) == true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;   // it ended while we looked, or is not ours to look at
        }
    }

    private static bool HasOpen(string process, IReadOnlyCollection<string> paths)
    {
        try
        {
            return Directory.EnumerateFileSystemEntries(Path.Combine(process, "fd")).Any(descriptor => paths.Contains(new FileInfo(descriptor).LinkTarget));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;   // it ended while we looked, or is not ours to look at
        }
    }
}
