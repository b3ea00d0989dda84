using System.Net;
using System.Text.Json;
using EveStorage.Cli.Api;
using Microsoft.AspNetCore.Http;

namespace EveStorage.Host.Daemon;

/// <summary>Answers an error with its kind, its subject and its sentence, and a status that fits.</summary>
internal static class ErrorAnswer
{
    /// <summary>The media type of RFC 9457.</summary>
    internal const string ProblemType = "application/problem+json";

    /// <summary>Every status that an error can have.</summary>
    internal static IEnumerable<int> Statuses => Enum.GetValues<StorageErrorKind>().Select(kind => (int)StatusOf(kind)).Distinct().Order();

    internal static async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context);
            if (!context.Response.HasStarted && context.Response is { StatusCode: StatusCodes.Status404NotFound or StatusCodes.Status405MethodNotAllowed } none)
            {
                await WriteAsync(context, (HttpStatusCode)none.StatusCode, new(StorageErrorKind.NotFound, $"{context.Request.Method} {context.Request.Path}", "is nothing that can be asked here: GET /openapi/v1.json tells what can"));
            }
        }
        catch (StorageException e) when (!context.Response.HasStarted)
        {
            await WriteAsync(context, StatusOf(e.Kind), ErrorReport.Of(e));
        }
        catch (Exception e) when (!context.Response.HasStarted && e is BadHttpRequestException or JsonException or ArgumentException or FormatException)
        {
            await WriteAsync(context, HttpStatusCode.BadRequest, new(StorageErrorKind.InvalidConfiguration, "request", ErrorReport.ReasonOf(e is JsonException ? e : e.InnerException ?? e)));
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // nobody is there to be answered
        }
    }

    private static Task WriteAsync(HttpContext context, HttpStatusCode status, ErrorReport error)
    {
        context.Response.StatusCode = (int)status;
        return context.Response.WriteAsJsonAsync(Problem.Of(error, (int)status), ApiJson.Compact, ProblemType, context.RequestAborted);
    }

    private static HttpStatusCode StatusOf(StorageErrorKind kind) => kind switch
    {
        StorageErrorKind.InvalidConfiguration => HttpStatusCode.BadRequest,
        StorageErrorKind.NotFound => HttpStatusCode.NotFound,
        StorageErrorKind.Conflict => HttpStatusCode.Conflict,
        StorageErrorKind.Busy => HttpStatusCode.Locked,
        StorageErrorKind.OutOfSpace => HttpStatusCode.InsufficientStorage,
        StorageErrorKind.Corrupt => HttpStatusCode.UnprocessableEntity,
        StorageErrorKind.NotSupported => HttpStatusCode.NotImplemented,
        StorageErrorKind.Unavailable => HttpStatusCode.ServiceUnavailable,
        _ => HttpStatusCode.InternalServerError,
    };
}
