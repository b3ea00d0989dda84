using EveStorage.Host.Plugins;
using Microsoft.Extensions.Logging.Abstractions;

namespace EveStorage.Host.Worker;

/// <summary>The formats of a worker, by the directories of their plugins. Those of one that waits for its image are loaded before it is known which is asked for.</summary>
internal sealed class WorkerFormats
{
    private readonly Dictionary<string, IReadOnlyList<(string Kind, IImageFormat Format)>> _loaded = [];
    private readonly PluginServices _services = new()
    {
        Loggers = NullLoggerFactory.Instance,
        Time = TimeProvider.System,
        Events = new NoEvents(),
        Name = "worker",
    };

    /// <summary>Loads some ahead, with all that they refer to. One that can't be loaded is told when it is asked for.</summary>
    internal void LoadAhead(IReadOnlyList<string> directories)
    {
        foreach (string directory in directories)
        {
            try
            {
                WorkerJail.LoadAll(Of(directory).Select(static known => known.Format.GetType().Assembly));
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                // Whatever a plugin throws is told to who asks for its format, and to nobody who asks for another's.
            }
        }
    }

    /// <summary>The formats of a plugin.</summary>
    /// <exception cref="StorageException">It can't be loaded.</exception>
    internal IReadOnlyList<(string Kind, IImageFormat Format)> Of(string directory)
    {
        if (!_loaded.TryGetValue(directory, out IReadOnlyList<(string Kind, IImageFormat Format)>? formats))
        {
            formats = [.. PluginCatalog.LoadOne(directory).ImageFormats.Select(known => (known.Kind, known.Create(_services)))];
            _loaded.Add(directory, formats);
        }

        return formats;
    }

    private sealed class NoEvents : IEventSink
    {
        public void Report(StorageEvent storageEvent)
        {
        }
    }
}
