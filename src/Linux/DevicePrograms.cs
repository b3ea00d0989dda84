namespace EveStorage.Linux;

/// <summary>The programs that have a device open, as far as this process may look.</summary>
public static class DevicePrograms
{
    /// <summary>Those that have one of <paramref name="paths"/> open, for a person: by its nodes, as they were opened.</summary>
    public static IEnumerable<string> Of(params IReadOnlyCollection<string> paths)
        => Directory.EnumerateDirectories("/proc").Where(path => Path.GetFileName(path).All(char.IsAsciiDigit))
            .Where(process => HasOpen(process, paths))
            .Select(process => $"{DriveSysfs.Read(process, "comm") ?? "a program"} (process {Path.GetFileName(process)})");

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
