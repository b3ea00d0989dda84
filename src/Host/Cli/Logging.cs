using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace EveStorage.Host.Cli;

/// <summary>Logs go to standard error: lines for a person at a terminal, JSON for a journal.</summary>
internal static class Logging
{
    /// <summary>A command's: warnings, where there are any.</summary>
    internal static void AddWarningsToError(this ILoggingBuilder logging)
        => logging.Services.AddSingleton<ILoggerFactory>(static _ => new LateLoggers(LogLevel.Warning, static () => LoggerFactory.Create(static late => late.AddConsoleToError(LogLevel.Warning))));

    internal static ILoggingBuilder AddConsoleToError(this ILoggingBuilder logging, LogLevel least)
    {
        logging.ClearProviders();
        logging.SetMinimumLevel(least);
        logging.AddFilter("Microsoft", LogLevel.Warning);
        if (Console.IsErrorRedirected)
        {
            logging.AddJsonConsole(static options => options.UseUtcTimestamp = true);
        }
        else
        {
            logging.AddSimpleConsole(static options => options.SingleLine = true);
        }

        logging.Services.Configure<ConsoleLoggerOptions>(static options => options.LogToStandardErrorThreshold = LogLevel.Trace);
        return logging;
    }
}
