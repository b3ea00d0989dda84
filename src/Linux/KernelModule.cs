namespace EveStorage.Linux;

/// <summary>What the running kernel has, loaded or not. Looking loads nothing.</summary>
public static class KernelModule
{
    /// <summary>Whether the module is loaded, built in, or on disk to be loaded.</summary>
    public static bool IsThere(string name) => IsLoaded(name) || IsListed(name);

    /// <summary>Whether the kernel's lists have the module: built in, or on disk to be loaded.</summary>
    public static bool IsListed(string name) => Listed("modules.builtin", name).Any() || Listed("modules.dep", name).Any();

    /// <summary>Those of <paramref name="modules"/> that are not there, each as a fact to read with the kernel's option for it.</summary>
    public static IEnumerable<string> Missing(params IEnumerable<(string Name, string Option)> modules)
        => modules.Where(module => !IsThere(module.Name)).Select(module => $"the kernel has no module {module.Name}: it needs {module.Option}");

    /// <summary>Whether the module is loaded; one that is built in counts where it has parameters.</summary>
    public static bool IsLoaded(string name) => Directory.Exists($"/sys/module/{name.Replace('-', '_')}");

    /// <summary>Whether <paramref name="user"/> is built with what <paramref name="name"/> gives: modules tell by needing it.</summary>
    public static bool IsNeededBy(string name, string user)
        => Directory.Exists($"/sys/module/{name.Replace('-', '_')}/holders/{user.Replace('-', '_')}")
            || Listed("modules.dep", user).Any(line => line.Split(':', 2)[^1].Split(' ', StringSplitOptions.RemoveEmptyEntries).Any(path => Is(path, name)));

    /// <summary>Loads a module, unless it is there already.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Unavailable"/>: there is none, or it can't be loaded.</exception>
    public static async Task LoadAsync(string name, CancellationToken cancellationToken)
    {
        Command modprobe = Command.Find("modprobe") ?? throw new StorageException(StorageErrorKind.Unavailable, name, "is not loaded, and this machine has no modprobe");
        try
        {
            await modprobe.RunAsync(["--", name], cancellationToken);
        }
        catch (CommandException e) when (e.End == CommandEnd.Exited)
        {
            throw new StorageException(StorageErrorKind.Unavailable, name, IsThere(name) ? $"is a module that can't be loaded: {e.Said.Trim()}" : "is no module of this kernel: install it for this kernel", e);
        }
    }

    /// <summary>Whether the running kernel knows a symbol: for what is built in and nothing else tells.</summary>
    public static bool HasSymbol(string symbol)
        => FileCalls.Run("/proc/kallsyms", () => File.ReadLines("/proc/kallsyms").Any(line => line.Split('\t')[0].EndsWith($" {symbol}", StringComparison.Ordinal)));

    private static IEnumerable<string> Listed(string list, string name)
    {
        string path = $"/lib/modules/{Release}/{list}";
        return FileCalls.Run(path, () => File.Exists(path)
            ? (IReadOnlyList<string>)[.. File.ReadLines(path).Where(line => Is(line.Split(':')[0], name))]
            : []);
    }

    private static string Release => FileCalls.Run("/proc", () => File.ReadAllText("/proc/sys/kernel/osrelease").Trim());

    // kernel/drivers/nvme/target/nvmet-tcp.ko.xz: hyphens and underscores are one.
    private static bool Is(string path, string name)
        => Path.GetFileName(path).Split(".ko")[0].Replace('-', '_') == name.Replace('-', '_');
}
